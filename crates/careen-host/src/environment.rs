//! What the environment variables say: proxies, the CI service, the coding agent.
//!
//! One variable tells a vendor; the facts are those of the packages `ci-info` 4.5 and `std-env` 4.3.

use careen_model::host::ProxyVariable;
use careen_model::redact;

use crate::System;

const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Proxy variables that are set, in both spellings, since programs disagree on which counts.
pub(crate) fn proxies(system: &dyn System) -> Vec<ProxyVariable> {
    let names = PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_lowercase()]);
    let set = names.filter_map(|name| {
        let value = redact::proxy(&system.variable(&name)?).into_owned();
        Some(ProxyVariable { name, value })
    });
    set.collect()
}

/// The vendor when this is a CI job.
pub fn ci(system: &dyn System) -> Option<&'static str> {
    let found = VENDORS.iter().find(|(_, sign)| match sign {
        Sign::Set(name) => system.variable(name).is_some(),
        Sign::All(names) => names.iter().all(|name| system.variable(name).is_some()),
        Sign::Is(name, value) => system.variable(name).as_deref() == Some(value),
        Sign::Contains(name, part) => {
            system.variable(name).is_some_and(|value| value.contains(part))
        }
    });
    if let Some((vendor, _)) = found {
        return Some(vendor);
    }
    // Most services, and people who test like one, set this.
    let says_ci = system.variable("CI").is_some_and(|value| value != "false" && value != "0");
    says_ci.then_some("CI")
}

/// The coding agent that runs us.
pub fn agent(system: &dyn System) -> Option<&'static str> {
    let found = AGENTS.iter().find(|(_, variable)| system.variable(variable).is_some());
    found.map(|(name, _)| *name)
}

enum Sign {
    Set(&'static str),
    All(&'static [&'static str]),
    Is(&'static str, &'static str),
    Contains(&'static str, &'static str),
}

use Sign::{All, Contains, Is, Set};

/// The more particular vendor first: Gitea and Forgejo set GitHub's variables as well.
const VENDORS: [(&str, Sign); 57] = [
    ("Agola CI", Set("AGOLA_GIT_REF")),
    ("Alpic", Set("ALPIC_HOST")),
    ("App Center", Set("APPCENTER_BUILD_ID")),
    ("Appcircle", Set("AC_APPCIRCLE")),
    ("AppVeyor", Set("APPVEYOR")),
    ("AWS CodeBuild", Set("CODEBUILD_BUILD_ARN")),
    ("Azure Pipelines", Set("TF_BUILD")),
    ("Bamboo", Set("bamboo_planKey")),
    ("Bitbucket Pipelines", Set("BITBUCKET_COMMIT")),
    ("Bitrise", Set("BITRISE_IO")),
    ("Buddy", Set("BUDDY_WORKSPACE_ID")),
    ("Buildkite", Set("BUILDKITE")),
    ("Capawesome Cloud", Set("CAPAWESOME_CLOUD")),
    ("CircleCI", Set("CIRCLECI")),
    ("Cirrus CI", Set("CIRRUS_CI")),
    ("Cloudflare Pages", Set("CF_PAGES")),
    ("Cloudflare Workers", Set("WORKERS_CI")),
    ("Codefresh", Set("CF_BUILD_ID")),
    ("Codemagic", Set("CM_BUILD_ID")),
    ("Codeship", Is("CI_NAME", "codeship")),
    ("Drone", Set("DRONE")),
    ("dsari", Set("DSARI")),
    ("Earthly CI", Set("EARTHLY_CI")),
    ("Expo Application Services", Set("EAS_BUILD")),
    ("Forgejo Actions", Set("FORGEJO_ACTIONS")),
    ("Gerrit", Set("GERRIT_PROJECT")),
    ("Gitea Actions", Set("GITEA_ACTIONS")),
    ("GitHub Actions", Set("GITHUB_ACTIONS")),
    ("GitLab CI", Set("GITLAB_CI")),
    ("GoCD", Set("GO_PIPELINE_LABEL")),
    ("Google Cloud Build", Set("BUILDER_OUTPUT")),
    ("Harness CI", Set("HARNESS_BUILD_ID")),
    ("Heroku", Contains("NODE", "/app/.heroku/node/bin/node")),
    ("Hudson", Set("HUDSON_URL")),
    ("Jenkins", All(&["JENKINS_URL", "BUILD_ID"])),
    ("LayerCI", Set("LAYERCI")),
    ("Magnum CI", Set("MAGNUM")),
    ("Netlify CI", Set("NETLIFY")),
    ("Nevercode", Set("NEVERCODE")),
    ("Prow", Set("PROW_JOB_ID")),
    ("ReleaseHub", Set("RELEASE_BUILD_ID")),
    ("Render", Set("RENDER")),
    ("RWX", Set("RWX")),
    ("Sail CI", Set("SAILCI")),
    ("Screwdriver", Set("SCREWDRIVER")),
    ("Semaphore", Set("SEMAPHORE")),
    ("Sourcehut", Is("CI_NAME", "sourcehut")),
    ("Strider CD", Set("STRIDER")),
    ("Taskcluster", All(&["TASK_ID", "RUN_ID"])),
    ("TeamCity", Set("TEAMCITY_VERSION")),
    ("Travis CI", Set("TRAVIS")),
    ("Vela", Set("VELA")),
    ("Vercel", Set("NOW_BUILDER")),
    ("Vercel", Set("VERCEL")),
    ("Woodpecker CI", Is("CI", "woodpecker")),
    ("Xcode Cloud", Set("CI_XCODE_PROJECT")),
    ("Xcode Server", Set("XCS")),
];

const AGENTS: [(&str, &str); 16] = [
    ("Claude Code", "CLAUDECODE"),
    ("Claude Code", "CLAUDE_CODE"),
    ("Cursor", "CURSOR_AGENT"),
    ("Codex", "CODEX_SANDBOX"),
    ("Codex", "CODEX_THREAD_ID"),
    ("Gemini CLI", "GEMINI_CLI"),
    ("opencode", "OPENCODE"),
    ("Auggie", "AUGMENT_AGENT"),
    ("Copilot", "COPILOT_AGENT"),
    ("Copilot", "COPILOT_CLI"),
    ("Goose", "GOOSE_PROVIDER"),
    ("Junie", "JUNIE_DATA"),
    ("Junie", "JUNIE_SHIM_PATH"),
    ("Replit", "REPL_ID"),
    // What agents are asked to set when they have no variable of their own.
    ("an agent", "AI_AGENT"),
    ("an agent", "AGENT"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;

    fn world(variables: &[(&str, &str)]) -> FakeSystem {
        let empty = FakeSystem::default();
        variables.iter().fold(empty, |system, (name, value)| system.variable(name, value))
    }

    #[test]
    fn one_variable_tells_the_vendor() {
        for (variables, expected) in [
            (&[][..], None),
            (&[("GITHUB_ACTIONS", "true"), ("CI", "true")], Some("GitHub Actions")),
            (&[("GITHUB_ACTIONS", "true"), ("GITEA_ACTIONS", "true")], Some("Gitea Actions")),
            (&[("JENKINS_URL", "http://j")], None),
            (&[("JENKINS_URL", "http://j"), ("BUILD_ID", "7")], Some("Jenkins")),
            (&[("CI_NAME", "codeship")], Some("Codeship")),
            (&[("CI_NAME", "mine"), ("CI", "1")], Some("CI")),
            (&[("CI", "woodpecker")], Some("Woodpecker CI")),
            (&[("CI", "false")], None),
            (&[("NODE", "/usr/bin/node")], None),
        ] {
            assert_eq!(ci(&world(variables)), expected, "{variables:?}");
        }
    }

    #[test]
    fn no_variable_stands_in_two_rows() {
        let set: Vec<&str> = VENDORS
            .iter()
            .filter_map(|(_, sign)| match sign {
                Set(name) => Some(*name),
                _ => None,
            })
            .chain(AGENTS.iter().map(|(_, name)| *name))
            .collect();
        for (i, name) in set.iter().enumerate() {
            assert!(!set[..i].contains(name), "{name}");
        }
    }

    #[test]
    fn an_agent_of_its_own_name_goes_before_the_common_variable() {
        assert_eq!(agent(&world(&[("AI_AGENT", "1"), ("CLAUDECODE", "1")])), Some("Claude Code"));
        assert_eq!(agent(&world(&[("AI_AGENT", "x")])), Some("an agent"));
        assert_eq!(agent(&world(&[])), None);
    }

    #[test]
    fn proxies_come_in_both_spellings_without_credentials() {
        let found = proxies(&world(&[
            ("HTTP_PROXY", "http://me:pw@proxy:3128"),
            ("https_proxy", "me:pw@proxy:3128"),
            ("NO_PROXY", "localhost,.corp"),
        ]));
        let found: Vec<_> = found.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
        assert_eq!(
            found,
            [
                ("HTTP_PROXY", "http://***@proxy:3128"),
                ("https_proxy", "***@proxy:3128"),
                ("NO_PROXY", "localhost,.corp")
            ]
        );
    }
}
