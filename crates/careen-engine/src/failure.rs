//! What an engine tells about a failed build: typed details where it has them, else its text.

use bollard_buildkit_proto::google::rpc;
use careen_model::exit_code_in;
use prost::Message;
use serde::Deserialize;
use tonic::{Code, Status};

use crate::{BuildFailure, EngineError};
use careen_model::SecretValues;

/// The situation behind the status with which a build ended.
pub(crate) fn judge(
    status: &Status,
    redactor: &SecretValues,
    failed_step: Option<String>,
) -> EngineError {
    if std::error::Error::source(status).is_some() || status.code() == Code::Unavailable {
        return EngineError::status(status);
    }
    let message = redactor.text(status.message());
    match status.code() {
        Code::Unimplemented => EngineError::Unsupported { what: message },
        Code::Cancelled => {
            EngineError::Broken { message: format!("the engine stopped the build: {message}") }
        }
        // Its words may stand in a command that failed as well.
        _ if failed_step.is_none()
            && message.contains("exporter \"")
            && message.contains("could not be found") =>
        {
            EngineError::Unsupported { what: message }
        }
        _ => EngineError::BuildFailed(Box::new(failure(status, message, failed_step))),
    }
}

fn failure(status: &Status, message: String, failed_step: Option<String>) -> BuildFailure {
    let details = rpc::Status::decode(status.details()).map(|s| s.details).unwrap_or_default();
    let mut failure = BuildFailure {
        exit_code: exit_code_in(&message),
        step: failed_step,
        lines: line_in(&message).map(|line| (line, line)),
        message,
    };
    for detail in details {
        typed(&detail.type_url, &detail.value, &mut failure);
    }
    failure
}

/// A parser that has no typed details: `dockerfile parse error line 5: …` (20.10) and
/// `dockerfile parse error on line 5: …`.
fn line_in(text: &str) -> Option<u32> {
    let after = text.split_once("parse error ")?.1;
    let after = after.trim_start_matches("on ").strip_prefix("line ")?;
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Details as BuildKit 0.11 and later sends them: JSON under the name of a Go type.
fn typed(name: &str, value: &[u8], failure: &mut BuildFailure) {
    match name {
        "github.com/moby/buildkit/errdefs.Vertex+json" => {
            if let Ok(vertex) = serde_json::from_slice::<VertexDetail>(value) {
                failure.step = Some(vertex.digest);
            }
        }
        "github.com/moby/buildkit/gatewayapi.ExitMessage+json" => {
            if let Ok(exit) = serde_json::from_slice::<ExitDetail>(value) {
                failure.exit_code = i32::try_from(exit.code).ok();
            }
        }
        "github.com/moby/buildkit/errdefs.Source+json" => {
            if let Ok(source) = serde_json::from_slice::<SourceDetail>(value) {
                let first = source.ranges.iter().map(|range| range.start.line).min();
                let last = source.ranges.iter().map(|range| range.end.line).max();
                failure.lines = first.zip(last).filter(|&(first, _)| first > 0);
            }
        }
        _ => {}
    }
}

#[derive(Deserialize)]
struct VertexDetail {
    digest: String,
}

#[derive(Deserialize)]
struct ExitDetail {
    /// Left out when it is 0.
    #[serde(rename = "Code", default)]
    code: u32,
}

#[derive(Deserialize)]
struct SourceDetail {
    #[serde(default)]
    ranges: Vec<RangeDetail>,
}

#[derive(Deserialize)]
struct RangeDetail {
    start: PositionDetail,
    end: PositionDetail,
}

#[derive(Deserialize)]
struct PositionDetail {
    #[serde(default)]
    line: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_parsers_name_the_line_in_their_text() {
        for (text, expected) in [
            ("failed: dockerfile parse error line 5: Unknown flag: network", Some(5)),
            ("dockerfile parse error on line 12: unknown instruction: RUNN", Some(12)),
            ("parse error somewhere", None),
        ] {
            assert_eq!(line_in(text), expected, "{text}");
        }
    }

    #[test]
    fn typed_details_win_over_the_text() {
        let mut failure = BuildFailure::default();
        let base = "github.com/moby/buildkit/";
        let details: [(&str, &str); 4] = [
            ("errdefs.Vertex+json", r#"{"digest":"sha256:c2"}"#),
            ("gatewayapi.ExitMessage+json", r#"{"Code":3}"#),
            (
                "errdefs.Source+json",
                r#"{"info":{},"ranges":[{"start":{"line":4,"character":0},"end":{"line":6}}]}"#,
            ),
            ("stack.Stack+json", "{}"),
        ];
        for (name, value) in details {
            typed(&format!("{base}{name}"), value.as_bytes(), &mut failure);
        }
        let expected = BuildFailure {
            step: Some("sha256:c2".into()),
            exit_code: Some(3),
            lines: Some((4, 6)),
            ..BuildFailure::default()
        };
        assert_eq!(failure, expected);
    }

    #[test]
    fn an_engine_that_went_away_is_not_a_failed_build() {
        let redactor = SecretValues::default();
        let judged = |status: Status| judge(&status, &redactor, None);
        assert!(matches!(judged(Status::unavailable("closing")), EngineError::Broken { .. }));
        assert!(matches!(judged(Status::cancelled("x")), EngineError::Broken { .. }));
        assert!(matches!(judged(Status::unknown("x")), EngineError::BuildFailed(_)));
        let exporter = Status::unknown("exporter \"docker\" could not be found");
        assert!(matches!(judged(exporter), EngineError::Unsupported { .. }));
    }
}
