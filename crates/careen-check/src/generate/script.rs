//! A stand-alone build script: POSIX shell, docker, and nothing of careen.
//!
//! The program text is a file of its own, so that shell tools can read it; what a project adds are
//! constants, arguments and tests, each quoted.

use std::path::Path;

use careen_model::Case;

use super::cases::GPU;

const TEMPLATE: &str = include_str!("build_script.sh");

/// What the script builds and tests. Paths are relative to the folder the script lies in.
#[derive(Debug, Clone, Copy)]
pub struct ScriptRequest<'a> {
    pub project: &'a str,
    /// The script's own file name, for its help.
    pub file_name: &'a str,
    /// `name:tag` of the image.
    pub image: &'a str,
    pub dockerfile: &'a Path,
    pub context: &'a Path,
    pub target: Option<&'a str>,
    pub compose: Option<&'a Path>,
    /// Names only: the script takes their values from its environment.
    pub build_args: &'a [String],
    /// As `--secret` takes them, such as `id=token,env=TOKEN`; never a value.
    pub secrets: &'a [String],
    /// Bytes the engine must have free. `None`: unknown, so the script only tells what is free.
    pub needed_bytes: Option<u64>,
    /// Inferred for a machine with a GPU: the script looks itself whether there is one.
    pub cases: &'a [Case],
}

/// The text of the script; write it as an executable file.
pub fn build_script(request: &ScriptRequest<'_>) -> String {
    let arguments = arguments(request);
    let tests: String = request.cases.iter().map(test).collect();
    // No value can be taken for a marker: each is put in once, from the end to the start.
    let mut script = TEMPLATE.to_owned();
    let title = format!("Builds and tests the image of {}.", one_line(request.project));
    for (marker, text) in [
        ("@TESTS@\n", tests),
        ("@ARGUMENTS@\n", arguments),
        ("@CONSTANTS@\n", constants(request)),
        ("@NAME@", one_line(request.file_name)),
        ("@TITLE@", title),
    ] {
        let at = TEMPLATE.find(marker).expect("the template has every marker");
        script.replace_range(at..at + marker.len(), &text);
    }
    script
}

fn constants(request: &ScriptRequest<'_>) -> String {
    let path = |path: &Path| {
        let text = path.to_string_lossy();
        // A name that begins with a dash would be taken for an option.
        if text.starts_with('-') { format!("./{text}") } else { text.into_owned() }
    };
    let kilobytes = request.needed_bytes.unwrap_or(0).div_ceil(1024).to_string();
    let rows = [
        ("IMAGE", request.image.to_owned()),
        ("DOCKERFILE", path(request.dockerfile)),
        ("CONTEXT", path(request.context)),
        ("TARGET", request.target.unwrap_or_default().to_owned()),
        ("COMPOSE", request.compose.map(path).unwrap_or_default()),
        ("NEEDED_KB", kilobytes),
    ];
    rows.map(|(name, value)| format!("{name}={}\n", quote(&value))).concat()
}

fn arguments(request: &ScriptRequest<'_>) -> String {
    let line = |flag: &str, value: &String| format!("    set -- \"$@\" {flag} {}\n", quote(value));
    let args = request.build_args.iter().map(|name| line("--build-arg", name));
    let secrets = request.secrets.iter().map(|secret| line("--secret", secret));
    args.chain(secrets).collect()
}

fn test(case: &Case) -> String {
    let name = quote(&case.name);
    if let Some(reason) = &case.skip {
        return format!("    skip_test {name} {}\n", quote(reason));
    }
    let Some((first, words)) = case.argv.split_first() else {
        return format!("    skip_test {name} 'the test names no program'\n");
    };
    let programs: Vec<&str> =
        [first].into_iter().chain(&case.or_programs).map(String::as_str).collect();
    let weight = if case.critical { "critical" } else { "optional" };
    let device = if case.name == GPU { "gpu" } else { "plain" };
    let seconds = case.limit.as_secs().max(1);
    let mut line =
        format!("    run_test {name} {weight} {device} {seconds} {}", quote(&programs.join(" ")));
    for word in words {
        line.push(' ');
        line.push_str(&quote(word));
    }
    line.push('\n');
    line
}

/// One word of shell, whatever is in it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Text for a comment, which must not end there.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn request(cases: &[Case]) -> ScriptRequest<'_> {
        ScriptRequest {
            project: "hoops",
            file_name: "build.sh",
            image: "hoops:dev",
            dockerfile: Path::new(".devcontainer/Dockerfile"),
            context: Path::new("."),
            target: None,
            compose: None,
            build_args: &[],
            secrets: &[],
            needed_bytes: None,
            cases,
        }
    }

    /// The lines of the script that are not in the template.
    fn own_lines(script: &str) -> String {
        let known: Vec<&str> = TEMPLATE.lines().collect();
        let own = script.lines().filter(|line| !known.contains(line));
        own.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_project_adds_constants_arguments_and_tests() {
        let mut python = Case::new("python", &[".venv/bin/python", "-c", "print('x')"]);
        python.or_programs = vec!["python".into(), "python3".into()];
        let uv = Case { critical: false, ..Case::new("uv", &["uv", "--version"]) };
        let cases = [
            python,
            uv,
            Case::new("import jax", &["x"]).skipped("not used"),
            Case::new("gpu", &["g"]),
        ];
        let script = build_script(&ScriptRequest {
            target: Some("dev"),
            build_args: &["HTTP_PROXY".to_owned()],
            secrets: &["id=ca,src=/etc/ca.crt".to_owned()],
            needed_bytes: Some(23_000_000_000),
            ..request(&cases)
        });
        expect![[r#"
            # Builds and tests the image of hoops.
            # usage: build.sh [options]
            IMAGE='hoops:dev'
            DOCKERFILE='.devcontainer/Dockerfile'
            CONTEXT='.'
            TARGET='dev'
            COMPOSE=''
            NEEDED_KB='22460938'
                set -- "$@" --build-arg 'HTTP_PROXY'
                set -- "$@" --secret 'id=ca,src=/etc/ca.crt'
                run_test 'python' critical plain 60 '.venv/bin/python python python3' '-c' 'print('\''x'\'')'
                run_test 'uv' optional plain 60 'uv' '--version'
                skip_test 'import jax' 'not used'
                run_test 'gpu' critical gpu 60 'g'
        "#]].assert_eq(&own_lines(&script));
    }

    #[test]
    fn nothing_in_a_name_is_run() {
        let hostile = "a'; touch /tmp/x; '$(id)`id`\n@TESTS@";
        let case = Case::new(hostile, &[hostile, hostile]);
        let path = Path::new("-rf");
        let script = build_script(&ScriptRequest {
            project: hostile,
            image: hostile,
            context: path,
            ..request(&[case])
        });
        expect![[r"
            # Builds and tests the image of a'; touch /tmp/x; '$(id)`id` @TESTS@.
            # usage: build.sh [options]
            IMAGE='a'\''; touch /tmp/x; '\''$(id)`id`
            @TESTS@'
            DOCKERFILE='.devcontainer/Dockerfile'
            CONTEXT='./-rf'
            TARGET=''
            COMPOSE=''
            NEEDED_KB='0'
                run_test 'a'\''; touch /tmp/x; '\''$(id)`id`
            @TESTS@' critical plain 60 'a'\''; touch /tmp/x; '\''$(id)`id`
            @TESTS@' 'a'\''; touch /tmp/x; '\''$(id)`id`
            @TESTS@'
        "]]
        .assert_eq(&own_lines(&script));
    }
}
