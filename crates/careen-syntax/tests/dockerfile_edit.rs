//! Edits: what a file looks like afterwards, and that it still means what it should.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use careen_model::{Edit, apply};
use careen_syntax::dockerfile::{self, Dockerfile};
use expect_test::{Expect, expect};

/// Applies the edits, checks that the result parses and tiles, and shows it.
fn check(source: &str, edits: impl Fn(&Dockerfile) -> Vec<Edit>, expected: &Expect) {
    let file = dockerfile::parse(source);
    let after = apply(source, &edits(&file)).unwrap();
    let read = dockerfile::parse(after.as_str());
    assert_eq!(read.refusal(), None, "{after}");
    expected.assert_eq(&format!("{}\n", after.replace('\r', "␍")));
}

fn nth(file: &Dockerfile, n: usize) -> &dockerfile::Instruction {
    file.instructions().nth(n).unwrap()
}

#[test]
fn flags_go_after_the_keyword_in_the_style_of_those_there() {
    let add =
        |file: &Dockerfile| vec![file.insert_flag(nth(file, 1), "--mount=type=cache,target=/c")];
    check(
        "FROM x\nRUN pip install y\n",
        add,
        &expect![[r#"
        FROM x
        RUN --mount=type=cache,target=/c pip install y

    "#]],
    );
    check(
        "FROM x\r\n  run \\\r\n  pip install y",
        add,
        &expect![[r#"
        FROM x␍
          run --mount=type=cache,target=/c \␍
          pip install y
    "#]],
    );
    check(
        "FROM x\nRUN --network=none pip\n",
        add,
        &expect![[r#"
        FROM x
        RUN --network=none --mount=type=cache,target=/c pip

    "#]],
    );
    check(
        "FROM x\nRUN --network=none \\\n    --security=sandbox \\\n    pip\n",
        add,
        &expect![[r#"
            FROM x
            RUN --network=none \
                --security=sandbox \
                --mount=type=cache,target=/c \
                pip

        "#]],
    );
    check(
        "FROM x\nRUN --network=\"none y\n",
        add,
        &expect![[r#"
        FROM x
        RUN --mount=type=cache,target=/c --network="none y

    "#]],
    );
    let delete = |file: &Dockerfile| vec![file.delete_flag(nth(file, 1), 0)];
    check(
        "FROM x\nRUN --network=none \\\n  pip\n",
        delete,
        &expect![[r#"
        FROM x
        RUN \
          pip

    "#]],
    );
}

#[test]
fn instructions_are_inserted() {
    let before = |file: &Dockerfile| vec![file.insert_before(0, "ARG a\nARG b")];
    check(
        "\u{feff}# syntax=docker/dockerfile:1\nFROM x\n",
        before,
        &expect![[r#"
        ﻿# syntax=docker/dockerfile:1
        ARG a
        ARG b
        FROM x

    "#]],
    );
    check(
        "FROM x\r\n",
        before,
        &expect![[r#"
        ARG a␍
        ARG b␍
        FROM x␍

    "#]],
    );
    let after = |file: &Dockerfile| vec![file.insert_after(file.items.len() - 1, "USER a\n")];
    check(
        "FROM x",
        after,
        &expect![[r#"
        FROM x
        USER a

    "#]],
    );
    check(
        "FROM x\n  RUN a \\\n  # why\n",
        after,
        &expect![[r#"
        FROM x
          RUN a
          USER a

    "#]],
    );
    check(
        "FROM x\nCOPY <<A /a\nb\nA",
        after,
        &expect![[r#"
        FROM x
        COPY <<A /a
        b
        A
        USER a

    "#]],
    );
}

#[test]
fn instructions_are_replaced_deleted_and_moved() {
    let replace = |file: &Dockerfile| vec![file.replace_instruction(nth(file, 1), "RUN b \\\n  c")];
    check(
        "FROM x\n  RUN a \\\n   && b\nUSER u\n",
        replace,
        &expect![[r#"
        FROM x
          RUN b \
          c
        USER u

    "#]],
    );
    check(
        "FROM x\r\nRUN <<A\r\na\r\nA\r\nUSER u\r\n",
        replace,
        &expect![[r#"
        FROM x␍
        RUN b \␍
          c␍
        USER u␍

    "#]],
    );

    let delete = |file: &Dockerfile| vec![file.delete(file.with_comments(3))];
    check(
        "FROM x\n\n# why\nRUN a\n\nUSER u\n",
        delete,
        &expect![[r#"
        FROM x

        USER u

    "#]],
    );

    let up = |file: &Dockerfile| file.move_before(file.items.len() - 1..file.items.len(), 1);
    check(
        "# syntax=a\nFROM x\nRUN a\nCOPY b \\\n  c /",
        |file| file.move_before(3..4, 2),
        &expect![[r#"
            # syntax=a
            FROM x
            COPY b \
              c /
            RUN a

        "#]],
    );
    check(
        "FROM x\nRUN a\nRUN b \\\n",
        up,
        &expect![[r#"
        FROM x
        RUN b
        RUN a

    "#]],
    );
    check(
        "FROM x\nRUN a\nRUN b",
        |file| file.move_before(1..2, 9),
        &expect![[r#"
        FROM x
        RUN b
        RUN a

    "#]],
    );
    check(
        "FROM x\nRUN a\n",
        |file| file.move_before(1..2, 2),
        &expect![[r#"
        FROM x
        RUN a

    "#]],
    );
}

#[test]
fn directives_are_set() {
    let set = |file: &Dockerfile| vec![file.set_directive("syntax", "docker/dockerfile:1")];
    check(
        "\u{feff}FROM x\n",
        set,
        &expect![[r#"
        ﻿# syntax=docker/dockerfile:1
        FROM x

    "#]],
    );
    check(
        "#escape=`\nFROM x\n",
        set,
        &expect![[r#"
        # syntax=docker/dockerfile:1
        #escape=`
        FROM x

    "#]],
    );
    check(
        "#!/usr/bin/env x\nFROM x\n",
        set,
        &expect![[r#"
        #!/usr/bin/env x
        # syntax=docker/dockerfile:1
        FROM x

    "#]],
    );
    check(
        "# Syntax = old \nFROM x\n",
        set,
        &expect![[r#"
        # Syntax = docker/dockerfile:1 
        FROM x

    "#]],
    );
}
