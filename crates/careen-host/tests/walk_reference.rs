//! Every recorded listing of the builder's own walker, compared with ours on the same tree.
//!
//! The recorded answers are data outside this repository, found through `CAREEN_DATA`.

#![expect(clippy::print_stdout, reason = "a test says how many cases it ran")]
#![expect(clippy::unwrap_used, reason = "a test that cannot make its tree should stop")]

use std::{fs, path::Path};

use careen_host::walk::{
    Means,
    debug::{Case, Listed, ignore_walk, plant},
};
use serde_json::Value;

fn cases() -> Vec<Value> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("CAREEN_DATA").map_or(default, Into::into);
    let text = fs::read_to_string(folder.join("dockerignore/walk.json"));
    let cases = text.map_or_else(
        |_| Vec::new(),
        |text| {
            let data: Value = serde_json::from_str(&text).unwrap();
            data["cases"].as_array().unwrap().clone()
        },
    );
    println!("walk: {} cases ran", cases.len());
    cases
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_listing_is_the_builders() {
    agrees(Means::Fast);
}

#[test]
fn the_portable_listing_is_the_builders() {
    agrees(Means::Portable);
}

fn agrees(means: Means) {
    let mut wrong = Vec::new();
    for row in cases() {
        let root = tempfile::tempdir().unwrap();
        plant(root.path(), &strings(&row["tree"])).unwrap();
        let case = Case {
            exclude: strings(&row["exclude"]),
            include: strings(&row["include"]),
            follow: row["follow"].as_array().map(|_| strings(&row["follow"])),
            means,
        };
        let expected = Listed {
            expect: strings(&row["expect"]),
            follow_links_result: strings(&row["follow_links_result"]),
            open_fails: strings(&row["open_fails"]),
        };
        match (ignore_walk(root.path(), &case), row["err"].as_str()) {
            (Ok(listed), None) if listed == expected => (),
            (Err(err), Some(message)) if err.to_string() == message => (),
            (other, _) => wrong.push(format!("{row}\n  {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
