//! Where a browser goes after logging in: to a page of this server, and to none other, whatever a link asked for.

use url::Url;

const NEXT_BYTES_MAX: usize = 1000;
const HOME: &str = "/";

/// The path, query and fragment that `asked` names on this server; the first page if it names anything else.
pub(super) fn local(asked: Option<&str>, base_url: &Url) -> String {
    asked
        .and_then(|asked| resolve(asked, base_url))
        .unwrap_or_else(|| HOME.to_owned())
}

fn resolve(asked: &str, base_url: &Url) -> Option<String> {
    // Browsers take `\` for `/` and skip tabs and line feeds, so what has any of them is not what it looks like.
    let plain = asked.len() <= NEXT_BYTES_MAX
        && asked.starts_with('/')
        && !asked.starts_with("//")
        && asked
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain {
        return None;
    }
    let url = base_url.join(asked).ok()?;
    // What is read by the rules of browsers is what is sent, so that there are no two readings of it.
    let again = url
        .as_str()
        .strip_prefix(base_url.as_str().trim_end_matches('/'))?;
    let same =
        url.origin() == base_url.origin() && again.starts_with('/') && !again.starts_with("//");
    // A login that ends where the next one begins, or at a logout, would go round.
    (same && !url.path().starts_with("/auth/")).then(|| again.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Url {
        "https://causebook.bank.example".parse().unwrap()
    }

    #[test]
    fn a_page_of_this_server_is_kept_with_query_and_fragment() {
        for path in [
            "/",
            "/decisions",
            "/d/GC-1?as_of=3&q=a%20b#why",
            "/a/b/",
            "/?q=//x",
        ] {
            assert_eq!(local(Some(path), &base()), path);
        }
        assert_eq!(local(None, &base()), "/");
        assert_eq!(local(Some("/a/../b"), &base()), "/b");
    }

    #[test]
    fn nothing_leads_to_another_server() {
        for hostile in [
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example",
            "@evil.example",
            ":80@evil.example",
            "",
            "/é",
            "/auth/login?next=/",
            "/auth/logout",
        ] {
            assert_eq!(local(Some(hostile), &base()), "/", "{hostile:?}");
        }
        assert_eq!(local(Some(&format!("/{}", "x".repeat(1000))), &base()), "/");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_a_browser_stays_here(asked in r"[/\\.a@:%?#\t ]{0,12}evil[.]example[/\\]{0,2}") {
            let path = local(Some(&asked), &base());
            let there = base().join(&path).unwrap();
            prop_assert_eq!(there.origin(), base().origin());
            prop_assert!(path.starts_with('/') && !path.starts_with("//"), "{}", path);
        }
    }
}
