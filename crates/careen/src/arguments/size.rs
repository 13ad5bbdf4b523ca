//! Sizes as people write them.

/// `100MB`, `1.5 GB`, `2GiB`, `512k`, `4096`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|ch: char| !ch.is_ascii_digit() && ch != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        other => return Err(format!("`{other}` is no unit; write 100MB, 1.5GB or 2GiB")),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let parse = |digits: &str| digits.parse::<u64>().map_err(|_| "this is no size".to_owned());
    let scaled = parse(whole)?.checked_mul(factor).ok_or("the size is too large")?;
    if part.is_empty() {
        return Ok(scaled);
    }
    let scale = u32::try_from(part.len()).ok().and_then(|n| 10_u64.checked_pow(n));
    let fraction = parse(part)?.checked_mul(factor).zip(scale).map(|(part, scale)| part / scale);
    fraction.and_then(|part| scaled.checked_add(part)).ok_or("the size is too exact".to_owned())
}
