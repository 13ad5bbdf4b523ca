//! Bytes of downloads that the output of package managers tells of.

/// Bytes that the whole lines in `output` say were downloaded.
///
/// A line that breaks between two pieces of output is not counted: too little rather than twice.
pub fn told(output: &[u8]) -> u64 {
    output.split(|&byte| byte == b'\n').filter_map(line).sum()
}

/// The first letter decides for nearly every line of a log that it is none of ours.
fn line(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii();
    let rest = match line.first()? {
        // pip: `Downloading torch-2.3.0-cp311.whl (779.1 MB)`; uv: `Downloading torch (779.1MiB)`.
        b'D' => line.strip_prefix(b"Downloading ")?,
        // apt: `Fetched 45.3 MB in 3s (15.1 MB/s)`.
        b'F' => {
            let rest = line.strip_prefix(b"Fetched ")?;
            return size(std::str::from_utf8(rest).ok()?.split(" in ").next()?);
        }
        _ => return None,
    };
    let text = std::str::from_utf8(rest).ok()?;
    let (_, size_text) = text.strip_suffix(')')?.rsplit_once('(')?;
    size(size_text)
}

/// `779.1 MB`, `779.1MiB`, `12 kB`, `1,234 kB`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ','))?;
    let number: f64 = text[..end].replace(',', "").parse().ok()?;
    let unit = match text[end..].trim() {
        "B" | "bytes" => 1.0,
        "kB" | "KB" | "k" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    (0.0..1e15).contains(&(number * unit)).then_some((number * unit) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_managers_tell_what_they_fetch() {
        for (output, bytes) in [
            ("Downloading torch-2.3.0-cp311.whl (779.1 MB)\n", 779_100_000),
            ("  Downloading six-1.16.0-py2.py3-none-any.whl (11 kB)\n", 11_000),
            ("Downloading torch (1.5MiB)\n", 1_572_864),
            ("Fetched 45.3 MB in 3s (15.1 MB/s)\nFetched 8,421 kB in 1s (9 kB/s)", 53_721_000),
            ("Get:1 http://x stable InRelease [151 kB]\n", 0),
            ("Downloading the internet (slowly)\nFetched it\nDownloading (\u{1f4a9})", 0),
            ("", 0),
        ] {
            assert_eq!(told(output.as_bytes()), bytes, "{output}");
        }
        assert_eq!(told(b"Downloading \xff\xfe (1 MB)"), 0);
    }
}
