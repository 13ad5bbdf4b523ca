//! `cargo xtask bench build`: a fully cached build of the fixed sample, through careen and peers.
//!
//! Wall time from the start of the process to its exit, and proof that all built the same image.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::peers::{self, Peer};
use super::runs;
use super::series::{self, Contestant, race, ratio};
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::http::Address;
use crate::process::Call;
use crate::sample::{self, Size};
use crate::{base, demo, engine, home};

const IMAGE: &str = "careen-bench";

/// Fields that name the image or its place instead of saying what is in it.
const NAMES: &[&str] = &["GraphDriver", "Metadata", "RepoDigests", "RepoTags"];

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runs = runs(arguments)?;
    let engines = engine::at_hand(None)?;
    if engines.is_empty() {
        return Err(Failure::NoEngine);
    }
    let careen = demo::build_careen()?;
    let place = home::target().join("bench-build");
    let data = place.join("data");
    home::remove(&data)?;
    home::create(&place)?;
    let project = match arguments.value("--project") {
        Some(folder) => std::path::absolute(folder).map_err(Failure::file("find", folder))?,
        None => fixed_sample(&careen, &place.join("hoops"), &data, &engines[0])?,
    };
    let (peers, left_out) = peers::find()?;
    for sentence in left_out {
        println!("left out: {sentence}");
    }
    let bench = Bench { careen, project, data, runs };
    engines.iter().try_for_each(|address| bench.on(address, &peers))
}

/// The sample as its users have it after `careen fix`.
fn fixed_sample(
    careen: &Path,
    place: &Path,
    data: &Path,
    engine: &Address,
) -> Result<PathBuf, Failure> {
    sample::up(place, Size::Small)?;
    let call = Call::new(careen).args(["fix", "--all", "--risky", "--yes"]).folder(place);
    let call = call.env("XDG_DATA_HOME", data).env("DOCKER_HOST", engine.to_string());
    // 3: some checks could not look, such as those for a GPU.
    call.run_or(&[3])?;
    Ok(place.to_owned())
}

struct Bench {
    careen: PathBuf,
    project: PathBuf,
    data: PathBuf,
    runs: usize,
}

impl Bench {
    fn on(&self, address: &Address, peers: &[Peer]) -> Result<(), Failure> {
        base::provide(address)?;
        let host = address.to_string();
        // The first build fills the cache; everything later finds every step in it.
        self.careen(&host).run()?;
        let mut able = Vec::new();
        for (n, peer) in peers.iter().enumerate() {
            let tag = format!("{IMAGE}:peer-{n}");
            match self.peer(peer, &host, &tag).read() {
                Ok(_) => able.push((peer, tag)),
                Err(failure) => println!("left out: {}: {failure}", peer.name),
            }
        }
        let quietly = |call: Call| call.read().map(drop);
        let careen = || quietly(self.careen(&host));
        let mut contestants =
            vec![Contestant { name: "careen build".to_owned(), once: Box::new(careen) }];
        for (peer, tag) in &able {
            let once = || quietly(self.peer(peer, &host, tag));
            contestants.push(Contestant { name: peer.name.clone(), once: Box::new(once) });
        }
        let found = race(&mut contestants, self.runs)?;
        let about = address.about()?;
        let title = format!(
            "fully cached build on {} ({}), wall time, {} rounds in turn",
            about.version, about.driver, self.runs
        );
        series::show(&title, &found, series::wall);
        series::show("processor time of the client", &found, series::cpu);
        verdict(&found);
        self.same(address, &able)
    }

    fn careen(&self, host: &str) -> Call {
        let call = Call::new(&self.careen).args(["build", "--tag", &format!("{IMAGE}:careen")]);
        call.env("XDG_DATA_HOME", &self.data).env("DOCKER_HOST", host).folder(&self.project)
    }

    fn peer(&self, peer: &Peer, host: &str, tag: &str) -> Call {
        let dockerfile = [".devcontainer/Dockerfile", "Dockerfile"];
        let mut places = dockerfile.iter().map(|name| self.project.join(name));
        let found = places.find(|path| path.is_file());
        let found = found.unwrap_or_else(|| self.project.join("Dockerfile"));
        peer.build(host, &found, &self.project, tag)
    }

    /// Compares what the engine holds under the names of all contestants.
    fn same(&self, address: &Address, peers: &[(&Peer, String)]) -> Result<(), Failure> {
        let ours = address.image(&format!("{IMAGE}:careen"))?;
        println!("\nimages beside careen's");
        for (peer, tag) in peers {
            let theirs = address.image(tag)?;
            println!("  {}: {}", peer.name, compare(&ours, &theirs));
        }
        Ok(())
    }
}

/// Says outright when careen was not the fastest.
fn verdict(found: &[series::Series]) {
    let [careen, peers @ ..] = found else { return };
    for peer in peers {
        let times = ratio(peer.wall(), careen.wall());
        let word = if times > 1.0 { "faster" } else { "SLOWER" };
        println!("  careen is {word} than {}: {times:.2}×", peer.name);
    }
}

/// One line: the same, or where two images differ.
///
/// `RootFS` lists the digest of every layer's archive, unpacked: names, modes, owners, links,
/// times and content of each file. Equal lists are equal trees.
fn compare(ours: &Value, theirs: &Value) -> String {
    if ours["Id"] == theirs["Id"] && !ours["Id"].is_null() {
        let layers = ours["RootFS"]["Layers"].as_array().map_or(0, Vec::len);
        return format!("same: one configuration digest, {layers} layers of equal digests");
    }
    let empty = Map::new();
    let (a, b) = (ours.as_object().unwrap_or(&empty), theirs.as_object().unwrap_or(&empty));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let of_content = |key: &&&String| !NAMES.contains(&key.as_str());
    let differs = |key: &&String| a.get(*key) != b.get(*key);
    let found: Vec<&str> =
        keys.iter().filter(of_content).copied().filter(differs).map(String::as_str).collect();
    // The digest covers the times as well.
    let by_construction = found.iter().all(|key| ["Created", "Id"].contains(key));
    match by_construction {
        true => "same but for the time of creation".to_owned(),
        false => format!("DIFFERENT in {}", found.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_differ_in_content_and_not_in_names() {
        let image = |id: &str, tag: &str, layer: &str, user: &str| {
            json!({"Id": id, "RepoTags": [tag], "Created": id,
                   "RootFS": {"Layers": [layer]}, "Config": {"User": user}})
        };
        let ours = image("1", "a", "x", "");
        let check = |theirs: &Value, expected: &str| assert_eq!(compare(&ours, theirs), expected);
        check(
            &image("1", "b", "x", ""),
            "same: one configuration digest, 1 layers of equal digests",
        );
        check(&image("2", "b", "x", ""), "same but for the time of creation");
        check(&image("2", "a", "y", ""), "DIFFERENT in Created, Id, RootFS");
        check(&image("2", "a", "x", "me"), "DIFFERENT in Config, Created, Id");
        check(&json!({}), "DIFFERENT in Config, Created, Id, RootFS");
    }
}
