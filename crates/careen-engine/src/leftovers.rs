//! What nothing in the engine uses any more, and removing exactly that.
//!
//! Everything is removed by the id that was shown, never by a prune: an old engine ignores prune
//! parameters that it does not know and then removes everything (seen on 20.10). Nothing is
//! forced, so the engine refuses whatever has come into use meanwhile.

use std::collections::HashSet;
use std::time::SystemTime;

use careen_model::{Leftover, LeftoverKind};
use hyper::Method;
use serde::{Deserialize, Deserializer};

use crate::rest::{PATIENT, empty, encoded, epoch};
use crate::time::parse_time;
use crate::{Connection, EngineError};

/// Containers and state volumes of buildx builders are the builders' own affair.
const BUILDERS: &str = "buildx_buildkit_";

/// One kind with everything of it, never empty.
pub type Leftovers = (LeftoverKind, Vec<Leftover>);

/// How a removal went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Ids that are gone.
    pub ids: Vec<String>,
    /// What the engine kept, and why by its own word.
    pub kept: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    #[serde(default, deserialize_with = "or_empty")]
    images: Vec<Image>,
    #[serde(default, deserialize_with = "or_empty")]
    containers: Vec<Container>,
    #[serde(default, deserialize_with = "or_empty")]
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: i64,
    #[serde(default = "unknown")]
    shared_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    #[serde(default, deserialize_with = "or_empty")]
    names: Vec<String>,
    #[serde(default, rename = "ImageID")]
    image: String,
    #[serde(default)]
    created: i64,
    state: String,
    #[serde(default)]
    size_rw: i64,
    #[serde(default)]
    network_settings: Networks,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Networks {
    networks: Option<std::collections::BTreeMap<String, Attached>>,
}

#[derive(Deserialize)]
struct Attached {
    #[serde(default, rename = "NetworkID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    name: String,
    id: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    ingress: bool,
    #[serde(default)]
    config_only: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    containers: Option<std::collections::BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    #[serde(default)]
    created_at: String,
    usage_data: Option<VolumeUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeUsage {
    size: i64,
    ref_count: i64,
}

/// The engine writes -1 for what it did not count.
fn unknown() -> i64 {
    -1
}

fn or_empty<'a, D: Deserializer<'a>, T: Deserialize<'a>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

impl Connection {
    /// Everything that nothing uses, the kind that frees the least first. The engine measures its
    /// disk for this, so it is no question for a doctor.
    pub fn leftovers(&self, now: SystemTime) -> Result<Vec<Leftovers>, EngineError> {
        self.block_on(async {
            let usage: Usage = self.ask(Method::GET, "/system/df", empty(), PATIENT).await?;
            let nameless = "/images/json?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D";
            let nameless: Vec<Image> = self.ask(Method::GET, nameless, empty(), PATIENT).await?;
            let networks: Vec<Network> =
                self.ask(Method::GET, "/networks", empty(), PATIENT).await?;
            let mut own = Vec::new();
            for network in networks.into_iter().filter(is_own) {
                let path = format!("/networks/{}", encoded(&network.id));
                let inspected: Inspected = self.ask(Method::GET, &path, empty(), PATIENT).await?;
                if inspected.containers.is_none_or(|containers| containers.is_empty()) {
                    own.push(network);
                }
            }
            let cache = self.cache_async(PATIENT).await?;
            let cache = cache.into_iter().filter(|record| !record.in_use && !record.shared);
            let now = epoch(now);
            let records = cache.map(|record| Leftover {
                id: record.id,
                name: record.description,
                bytes: Some(record.bytes),
                age_seconds: record.last_used.or(record.created).and_then(|at| age(at, now)),
            });
            let mut found = sort(usage, nameless, own, now);
            found.push((LeftoverKind::Cache, records.collect()));
            found.retain(|(_, items)| !items.is_empty());
            found.sort_by_key(|(kind, items)| {
                (items.iter().filter_map(|item| item.bytes).sum::<u64>(), *kind)
            });
            Ok(found)
        })
    }

    /// Removes these and nothing else. What the engine refuses to remove stays and is told.
    pub fn remove_leftovers(
        &self,
        kind: LeftoverKind,
        items: &[Leftover],
    ) -> Result<Removed, EngineError> {
        if kind == LeftoverKind::Cache {
            let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
            let gone: HashSet<String> = self.prune(&ids)?.ids.into_iter().collect();
            let (ids, kept): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| gone.contains(id));
            let why = "an image, a build or another record needs it";
            let kept = kept.into_iter().map(|id| (id, why.to_owned())).collect();
            return Ok(Removed { ids, kept });
        }
        let mut removed = Removed::default();
        for item in items {
            let path = match kind {
                // Without `v`: its volumes stay, whatever they are.
                LeftoverKind::Containers => format!("/containers/{}", encoded(&item.id)),
                // Without `noprune` the engine would take nameless parents along.
                LeftoverKind::Images => format!("/images/{}?noprune=1", encoded(&item.id)),
                LeftoverKind::Networks => format!("/networks/{}", encoded(&item.id)),
                LeftoverKind::Volumes => format!("/volumes/{}", encoded(&item.id)),
                LeftoverKind::Cache => continue,
            };
            match self.block_on(self.tell(Method::DELETE, &path, empty(), PATIENT)) {
                // Somebody else was faster.
                Ok(()) | Err(EngineError::Refused { status: 404, .. }) => {
                    removed.ids.push(item.id.clone());
                }
                Err(EngineError::Refused { message, .. }) => {
                    removed.kept.push((item.id.clone(), message));
                }
                Err(err) => return Err(err),
            }
        }
        Ok(removed)
    }
}

/// Made by a person or by compose, on this engine alone.
fn is_own(network: &Network) -> bool {
    let is_built_in = ["bridge", "host", "none"].contains(&network.name.as_str());
    !is_built_in && network.scope == "local" && !network.ingress && !network.config_only
}

/// The pure half: which of all are left over. `networks` are those without a running container.
fn sort(usage: Usage, nameless: Vec<Image>, networks: Vec<Network>, now: f64) -> Vec<Leftovers> {
    let name = |container: &Container| {
        container.names.first().map_or("", |name| name.trim_start_matches('/')).to_owned()
    };
    let is_over = |container: &Container| {
        ["created", "exited", "dead"].contains(&container.state.as_str())
            && !name(container).starts_with(BUILDERS)
    };
    let (over, needed): (Vec<_>, Vec<_>) = usage.containers.into_iter().partition(is_over);
    let images: HashSet<&str> = needed.iter().map(|container| container.image.as_str()).collect();
    let attached = |container: &Container| {
        let networks = container.network_settings.networks.iter().flat_map(|all| all.values());
        networks.map(|attached| attached.id.clone()).collect::<Vec<_>>()
    };
    let joined: HashSet<String> = needed.iter().flat_map(attached).collect();
    let containers = over.iter().map(|container| Leftover {
        id: container.id.clone(),
        name: name(container),
        bytes: u64::try_from(container.size_rw).ok(),
        age_seconds: age(container.created, now),
    });
    let nameless = nameless.into_iter().filter(|image| !images.contains(image.id.as_str()));
    let nameless = nameless.map(|image| {
        let measured = usage.images.iter().find(|other| other.id == image.id);
        let shared = measured.map_or(image.shared_size, |measured| measured.shared_size);
        Leftover {
            bytes: (shared >= 0).then(|| u64::try_from(image.size - shared).unwrap_or(0)),
            age_seconds: age(image.created, now),
            id: image.id,
            name: String::new(),
        }
    });
    let time = |text: &str| parse_time(text).map(|at| seconds(now - at));
    let networks = networks.into_iter().filter(|network| !joined.contains(&network.id));
    let networks = networks.map(|network| Leftover {
        age_seconds: time(&network.created),
        id: network.id,
        name: network.name,
        bytes: None,
    });
    let volumes = usage.volumes.into_iter().filter_map(|volume| {
        let used = volume.usage_data?;
        let is_over = used.ref_count == 0 && !volume.name.starts_with(BUILDERS);
        is_over.then(|| Leftover {
            age_seconds: time(&volume.created_at),
            id: volume.name,
            name: String::new(),
            bytes: u64::try_from(used.size).ok(),
        })
    });
    vec![
        (LeftoverKind::Containers, containers.collect()),
        (LeftoverKind::Images, nameless.collect()),
        (LeftoverKind::Networks, networks.collect()),
        (LeftoverKind::Volumes, volumes.collect()),
    ]
}

fn age(created: i64, now: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a double")]
    let created = (created > 0).then_some(created as f64)?;
    Some(seconds(now - created))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and an age below zero is none"
)]
fn seconds(age: f64) -> u64 {
    age.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write;

    const USAGE: &str = r#"{
        "Images": [
            {"Id":"sha256:a","Created":1000,"Size":50,"SharedSize":20},
            {"Id":"sha256:b","Created":1000,"Size":50,"SharedSize":-1}
        ],
        "Containers": [
            {"Id":"1","Names":["/web"],"ImageID":"sha256:c","State":"running","Created":900,
             "NetworkSettings":{"Networks":{"app":{"NetworkID":"n1"}}}},
            {"Id":"2","Names":["/paused"],"ImageID":"sha256:x","State":"paused","Created":900},
            {"Id":"3","Names":["/old"],"ImageID":"sha256:a","State":"exited","Created":900,"SizeRw":7,
             "NetworkSettings":{"Networks":{"gone":{"NetworkID":"n2"}}}},
            {"Id":"4","Names":null,"ImageID":"sha256:a","State":"created","Created":0},
            {"Id":"5","Names":["/buildx_buildkit_x0"],"ImageID":"sha256:d","State":"exited","Created":1}
        ],
        "Volumes": [
            {"Name":"data","CreatedAt":"1970-01-01T00:10:00Z","UsageData":{"Size":9,"RefCount":0}},
            {"Name":"used","UsageData":{"Size":9,"RefCount":1}},
            {"Name":"unmeasured","UsageData":null},
            {"Name":"buildx_buildkit_x0_state","UsageData":{"Size":9,"RefCount":0}}
        ]
    }"#;

    #[test]
    fn what_anything_needs_is_no_leftover() {
        let usage: Usage = serde_json::from_str(USAGE).unwrap();
        let image = |id: &str| Image { id: id.into(), created: 1000, size: 50, shared_size: -1 };
        // `sha256:x` runs, `sha256:d` is a builder's; `sha256:a` goes with its containers.
        let nameless = ["sha256:a", "sha256:b", "sha256:x", "sha256:d"].map(image).into();
        let network = |id: &str| Network {
            name: format!("net-{id}"),
            id: id.into(),
            created: "1970-01-01T00:15:00Z".into(),
            scope: "local".into(),
            ingress: false,
            config_only: false,
        };
        let networks = ["n1", "n2", "n3"].map(network).into();
        let mut text = String::new();
        for (kind, items) in sort(usage, nameless, networks, 1100.0) {
            for Leftover { id, name, bytes, age_seconds } in items {
                writeln!(text, "{kind:?} {id} {name:?} {bytes:?} {age_seconds:?}").unwrap();
            }
        }
        expect![[r#"
            Containers 3 "old" Some(7) Some(200)
            Containers 4 "" Some(0) None
            Images sha256:a "" Some(30) Some(100)
            Images sha256:b "" None Some(100)
            Networks n2 "net-n2" None Some(200)
            Networks n3 "net-n3" None Some(200)
            Volumes data "" Some(9) Some(500)
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn networks_that_docker_made_are_no_leftover() {
        let check = |json: &str, expected: bool| {
            assert_eq!(is_own(&serde_json::from_str(json).unwrap()), expected, "{json}");
        };
        check(r#"{"Name":"app_default","Id":"1","Scope":"local"}"#, true);
        check(r#"{"Name":"bridge","Id":"1","Scope":"local"}"#, false);
        check(r#"{"Name":"x","Id":"1","Scope":"swarm"}"#, false);
        check(r#"{"Name":"x","Id":"1","Scope":"local","Ingress":true}"#, false);
    }
}
