//! Proxy variables: found in either case, compared without what does not matter.

use careen_model::HostFacts;

/// The value of a proxy variable; lower case wins, as with curl.
pub(super) fn of<'a>(host: &'a HostFacts, name: &str) -> Option<&'a str> {
    let exact = host.proxy.iter().find(|variable| variable.name == name);
    let any = || host.proxy.iter().find(|variable| variable.name.eq_ignore_ascii_case(name));
    let value = exact.or_else(any)?.value.as_str();
    (!value.is_empty()).then_some(value)
}

/// Without the slash at the end, which means nothing.
pub(super) fn bare(value: &str) -> &str {
    value.trim_end_matches('/')
}

/// True when the address is this machine's own loopback.
pub(super) fn is_local(value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split('/').next().unwrap_or(host);
    host == "localhost"
        || host.starts_with("localhost:")
        || host.starts_with("127.")
        || host.starts_with("[::1]")
}
