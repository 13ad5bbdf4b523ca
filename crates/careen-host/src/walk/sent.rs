//! The two sets of a context as listings of their own: what is kept, and what is sent.

use std::path::Path;

use careen_model::Why;

use crate::walk::{Walk, WalkRequest, normalize_sources, survey::why, walk};

/// Lists what the builder is told about when these sources are built, in its order.
///
/// `None` or a source that is the whole context lists all that is kept; no source lists nothing.
pub fn sent(root: &Path, exclude: &[String], sources: Option<&[String]>) -> Result<Walk, Why> {
    let follow = sources.map(normalize_sources);
    if follow.as_ref().is_some_and(|paths| paths.as_ref().is_some_and(Vec::is_empty)) {
        return Ok(Walk::default());
    }
    let request = WalkRequest {
        root: root.to_owned(),
        exclude: exclude.to_vec(),
        follow: follow.flatten(),
        ..WalkRequest::default()
    };
    walk(&request).map_err(|err| why(root, &err))
}

/// Numbers of the sources that take `path` from the context, links on the way resolved.
///
/// Reads only links, never lists the context.
pub fn takers(root: &Path, path: &str, sources: &[String]) -> Result<Vec<usize>, Why> {
    let folder = crate::walk::open_root(root).map_err(|err| why(root, &err))?;
    let mut found = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let Some(wanted) = normalize_sources(std::slice::from_ref(source)) else {
            found.push(number);
            continue;
        };
        let include = crate::walk::follow_links(&folder, &wanted).map_err(|err| why(root, &err))?;
        let takes = match include {
            None => true,
            Some(include) => careen_syntax::ignore::Matcher::new(&include)
                .is_ok_and(|matcher| matcher.is_match(path.as_bytes()).unwrap_or(false)),
        };
        if takes {
            found.push(number);
        }
    }
    Ok(found)
}
