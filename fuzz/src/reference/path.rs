//! Tile paths as tlog-tiles writes them: which texts are one.

/// Level (`None`: entries), index and width (256 when full), or `None` for what is no path.
pub fn read(path: &str) -> Option<(Option<u8>, u64, u16)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.remove(0) != "tile" || parts.len() < 2 {
        return None;
    }
    let level = match parts.remove(0) {
        "entries" => None,
        level => Some(plain_number(level, 63)? as u8),
    };
    let mut width = 256;
    if parts.len() >= 2 && parts[parts.len() - 2].ends_with(".p") {
        width = plain_number(parts.pop()?, 255).filter(|width| *width > 0)? as u16;
        let last = parts.pop()?;
        parts.push(&last[..last.len() - 2]);
    }
    let mut index: u128 = 0;
    for (place, part) in parts.iter().enumerate() {
        let digits = if place + 1 < parts.len() {
            part.strip_prefix('x')?
        } else {
            part
        };
        if digits.len() != 3 || !digits.chars().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        if place == 0 && parts.len() > 1 && digits == "000" {
            return None;
        }
        index = index.checked_mul(1000)? + digits.parse::<u128>().ok()?;
    }
    Some((level, u64::try_from(index).ok()?, width))
}

fn plain_number(text: &str, max: u64) -> Option<u64> {
    (0..=max).find(|number| number.to_string() == text)
}
