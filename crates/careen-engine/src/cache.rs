//! The build cache: its records, its rules, and removing records one by one.
//!
//! Removal goes by gRPC with `id==` filters only. The REST prune ignores parameters that an old
//! engine does not know and then deletes everything (seen on 20.10).

use std::collections::HashSet;
use std::time::Duration;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    DiskUsageRequest, ListWorkersRequest, PruneRequest, UsageRecord,
};
use careen_model::engine::{CacheRecord, GcRule};
use hyper::Method;
use serde::Deserialize;

use crate::connection::within;
use crate::rest::{PATIENT, QUICK, empty, encoded, read_all};
use crate::{Connection, EngineError};

/// A removal may have to delete gigabytes of small files.
const PRUNE_LIMIT: Duration = Duration::from_mins(10);

/// The first BuildKit that ends a removal when its client is gone (moby/buildkit #4413). An older one
/// that has a second record to tell of waits for ever, and with it whoever asks for its cache, until
/// the engine is started again (#4399; seen on 20.10 when the client was killed).
const ENDS_REMOVALS: (u32, u32) = (0, 13);

/// Records that one request to a newer builder removes.
const AT_ONCE: usize = 200;

/// What a removal freed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Ids that are gone. Records that an image or a running build holds are not among them.
    pub ids: Vec<String>,
    pub bytes: u64,
}

/// The worker of a builder: its own word on version and garbage collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) version: Option<String>,
    pub(crate) rules: Vec<GcRule>,
    /// Label `org.mobyproject.buildkit.worker.snapshotter` and the like, as `name=value`.
    pub(crate) labels: Vec<String>,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "ID")]
    id: String,
}

impl Connection {
    /// Every record of the build cache. Takes under 5 ms for some dozen records (measured).
    pub fn cache_records(&self) -> Result<Vec<CacheRecord>, EngineError> {
        self.block_on(self.cache_async(PATIENT))
    }

    pub(crate) async fn cache_async(
        &self,
        limit: Duration,
    ) -> Result<Vec<CacheRecord>, EngineError> {
        let records = within(limit, "the build cache", async {
            let request = DiskUsageRequest::default();
            let answer = self.control().await?.disk_usage(request).await;
            Ok(answer.map_err(|err| EngineError::status(&err))?.into_inner().record)
        });
        Ok(records.await?.into_iter().map(record).collect())
    }

    /// What tells this builder from every other: the engine's own id, or that of its worker.
    pub fn builder_identity(&self) -> Result<String, EngineError> {
        self.block_on(async {
            if self.is_engine() {
                let told: Identity = self.get("/info").await?;
                return Ok(told.id);
            }
            within(PATIENT, "the BuildKit worker", async {
                let mut control = self.control().await?;
                let answer = control.list_workers(ListWorkersRequest::default()).await;
                let answer = answer.map_err(|err| EngineError::status(&err))?;
                let first = answer.into_inner().record.into_iter().next();
                let none = || EngineError::broken("the builder has no worker");
                first.map(|worker| worker.id).ok_or_else(none)
            })
            .await
        })
    }

    /// Whether the engine tells of a prune of its build cache between these two seconds.
    ///
    /// Only prunes through the engine's own interface are told, and only while it remembers.
    pub fn pruned_between(&self, since: i64, until: i64) -> Result<bool, EngineError> {
        let filters = encoded(r#"{"type":["builder"],"event":["prune"]}"#);
        let path = format!("/events?since={since}&until={until}&filters={filters}");
        self.block_on(within(QUICK, "the engine's events", async {
            let answer = self.send(Method::GET, &path, empty()).await?;
            Ok(!read_all(answer).await?.trim_ascii().is_empty())
        }))
    }

    /// Removes exactly these records and nothing else.
    ///
    /// A record that an image or a running build holds stays; it is missing from the answer.
    pub fn prune(&self, ids: &[String]) -> Result<Pruned, EngineError> {
        if ids.is_empty() {
            // An empty filter list would mean everything.
            return Ok(Pruned::default());
        }
        if let Some(odd) = ids.iter().find(|id| !is_record_id(id)) {
            let what = format!("cache record `{odd}`");
            return Err(EngineError::Misconfigured { what, reason: "not an id".to_owned() });
        }
        self.block_on(within(PRUNE_LIMIT, "removing cache records", async {
            let mut pruned = Pruned::default();
            let mut left: Vec<&String> = ids.iter().collect();
            let version = self.worker(PATIENT).await?.version;
            let ends = version.as_deref().and_then(numbers).is_some_and(|it| it >= ENDS_REMOVALS);
            let at_once = if ends { AT_ONCE } else { 1 };
            loop {
                let known = pruned.ids.len();
                for some in left.chunks(at_once) {
                    self.prune_some(some, &mut pruned).await?;
                }
                let gone: HashSet<&String> = pruned.ids.iter().collect();
                left.retain(|id| !gone.contains(id));
                // What lay under a record that is gone now may go next.
                if pruned.ids.len() == known || left.is_empty() {
                    return Ok(pruned);
                }
            }
        }))
    }

    async fn prune_some(&self, ids: &[&String], pruned: &mut Pruned) -> Result<(), EngineError> {
        // Several filters are alternatives. `all` admits internal and frontend records too, and
        // still only those that a filter names.
        let filter = ids.iter().map(|id| format!("id=={id}")).collect();
        let request = PruneRequest { filter, all: true, ..PruneRequest::default() };
        let answer = self.control().await?.prune(request).await;
        let mut stream = answer.map_err(|err| EngineError::status(&err))?.into_inner();
        while let Some(gone) = stream.message().await.map_err(|err| EngineError::status(&err))? {
            pruned.bytes += u64::try_from(gone.size).unwrap_or(0);
            pruned.ids.push(gone.id);
        }
        Ok(())
    }

    pub(crate) async fn worker(&self, limit: Duration) -> Result<Worker, EngineError> {
        within(limit, "the BuildKit worker", async {
            let answer = self.control().await?.list_workers(ListWorkersRequest::default()).await;
            let workers = answer.map_err(|err| EngineError::status(&err))?.into_inner().record;
            let first = workers.into_iter().next();
            let first = first.ok_or_else(|| EngineError::broken("the builder has no worker"))?;
            let mut labels: Vec<_> = first.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            labels.sort();
            Ok(Worker {
                version: first.buildkit_version.map(|v| v.version).filter(|v| !v.is_empty()),
                rules: first.gc_policy.into_iter().map(rule).collect(),
                labels,
            })
        })
        .await
    }
}

/// The first two numbers of `v0.25.1`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Ids are made by the engine from letters and digits; anything else could change the filter.
fn is_record_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:.".contains(&b))
}

fn rule(policy: bollard_buildkit_proto::moby::buildkit::v1::types::GcPolicy) -> GcRule {
    let bytes = |value: i64| u64::try_from(value).unwrap_or(0);
    GcRule {
        filters: policy.filters,
        // The wire has nanoseconds.
        keep_seconds: bytes(policy.keep_duration) / 1_000_000_000,
        reserved_bytes: bytes(policy.reserved_space),
        max_used_bytes: bytes(policy.max_used_space),
        min_free_bytes: bytes(policy.min_free_space),
        all: policy.all,
    }
}

fn record(usage: UsageRecord) -> CacheRecord {
    let seconds = |time: Option<Timestamp>| time.map(|t| t.seconds).filter(|&s| s > 0);
    #[expect(deprecated, reason = "engines before 23 tell nothing else")]
    let parents = match usage.parents {
        none if none.is_empty() => {
            Some(usage.parent).filter(|id| !id.is_empty()).into_iter().collect()
        }
        parents => parents,
    };
    let nanos = usage.created_at.and_then(|time| u32::try_from(time.nanos).ok());
    CacheRecord {
        created_nanos: nanos.unwrap_or(0),
        parents,
        id: usage.id,
        kind: usage.record_type,
        bytes: u64::try_from(usage.size).unwrap_or(0),
        in_use: usage.in_use,
        shared: usage.shared,
        mutable: usage.mutable,
        created: seconds(usage.created_at),
        last_used: seconds(usage.last_used_at),
        usage_count: u64::try_from(usage.usage_count).unwrap_or(0),
        description: usage.description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (version, expected) in
            [("v0.25.1", Some((0, 25))), ("0.8.3-4-gbc07b2b8", Some((0, 8))), ("unknown", None)]
        {
            assert_eq!(numbers(version), expected, "{version}");
        }
    }

    #[test]
    fn only_plain_ids_reach_the_filter() {
        for (id, expected) in
            [("k3j2h1", true), ("sha256:ab", true), ("", false), ("a,type==regular", false)]
        {
            assert_eq!(is_record_id(id), expected, "{id}");
        }
    }
}
