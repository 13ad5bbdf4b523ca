//! Package manager calls found in RUN, one line each.

#![expect(clippy::unwrap_used, reason = "a test")]

use careen_syntax::dockerfile;
use expect_test::{Expect, expect};
use std::fmt::Write as _;

fn check(body: &str, expected: &Expect) {
    let source = format!("FROM x\nRUN {body}\n");
    let file = dockerfile::parse(source.as_str());
    let meaning = file.meaning(&dockerfile::Given::default());
    let mut out = String::new();
    for call in meaning.packages_at(1) {
        let options: Vec<String> = call
            .options
            .iter()
            .map(|option| match &option.value {
                Some(value) => format!("{}={value}", option.name),
                None => option.name.clone(),
            })
            .collect();
        let packages: Vec<String> = call
            .packages
            .iter()
            .map(|package| {
                let at = package.span.start as usize..package.span.end as usize;
                assert!(package.dynamic || source[at].trim_matches(['"', '\'']) == package.text);
                format!(
                    "{}{}",
                    package.name,
                    package.version.as_deref().map_or(String::new(), |v| format!("({v})"))
                )
            })
            .collect();
        writeln!(
            out,
            "{:?} {} {:?} options [{}] packages [{}]",
            call.manager,
            call.program,
            call.verb,
            options.join(", "),
            packages.join(", ")
        )
        .unwrap();
    }
    expected.assert_eq(&out);
}

#[test]
fn system_packages() {
    check(
        "apt-get update && DEBIAN_FRONTEND=noninteractive sudo -E apt-get -qq install -y --no-install-recommends -t stable -o Dpkg::Options::=--force-confold curl=7.* 'git/stable' $PACKAGES \\\n && apk add --no-cache --virtual .build-deps gcc=1.2-r0 musl~1 && dnf module enable nodejs:20 -y; microdnf install -y a; yum -y install b; zypper -n in c",
        &expect![[r#"
            Apt apt-get "update" options [] packages []
            Apt apt-get "install" options [-qq, -y, --no-install-recommends, -t=stable, -o=Dpkg::Options::=--force-confold] packages [curl(=7.*), git(/stable), $PACKAGES]
            Apk apk "add" options [--no-cache, --virtual=.build-deps] packages [gcc(=1.2-r0), musl(~1)]
            Dnf dnf "module enable" options [-y] packages [nodejs:20]
            Dnf microdnf "install" options [-y] packages [a]
            Yum yum "install" options [-y] packages [b]
            Zypper zypper "in" options [-n] packages [c]
        "#]],
    );
}

#[test]
fn python_packages() {
    check(
        "pip install --no-cache-dir -r requirements.txt 'torch==2.1' transformers[torch]>=4 . && python3.11 -m pip install -U pip && uv pip install --system -c c.txt numpy && uv sync --frozen --no-dev --group=ml && conda install -y -c conda-forge -n base 'python=3.11' && env A=1 timeout 10 pip3 download -rreq.txt",
        &expect![[r#"
            Pip pip "install" options [--no-cache-dir, -r=requirements.txt] packages [torch(==2.1), transformers, .]
            Pip python3.11 "install" options [-U] packages [pip]
            Uv uv "pip install" options [--system, -c=c.txt] packages [numpy]
            Uv uv "sync" options [--frozen, --no-dev, --group=ml] packages []
            Conda conda "install" options [-y, -c=conda-forge, -n=base] packages [python(=3.11)]
            Pip pip3 "download" options [-r=req.txt] packages []
        "#]],
    );
}

#[test]
fn language_packages() {
    check(
        "npm ci --prefix web && npm install -g @scope/tool@1.2 typescript && yarn global add x@1 && yarn --frozen-lockfile && pnpm i -C app && go mod download && go install a.b/c@latest && cargo +nightly install --locked ripgrep@14 --root /x && gem install rails:7 -v 7.1 && php composer.phar require a/b:^2 && echo apt-get install no",
        &expect![[r#"
            Npm npm "ci" options [--prefix=web] packages []
            Npm npm "install" options [-g] packages [@scope/tool(@1.2), typescript]
            Yarn yarn "global add" options [] packages [x(@1)]
            Yarn yarn "" options [--frozen-lockfile] packages []
            Pnpm pnpm "i" options [-C=app] packages []
            Go go "mod download" options [] packages []
            Go go "install" options [] packages [a.b/c(@latest)]
            Cargo cargo "install" options [--locked, --root=/x] packages [ripgrep(@14)]
            Gem gem "install" options [-v=7.1] packages [rails(:7)]
            Composer php "require" options [] packages [a/b(:^2)]
        "#]],
    );
}
