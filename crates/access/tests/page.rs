//! The tables in `docs/access.md` are what the code does. `UPDATE_ACCESS=1` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::PathBuf;

use causebook_access::{MaskPolicy, Permission, Role, Scope};
use causebook_record::Pointer;

const BEGIN: &str = "<!-- made by UPDATE_ACCESS=1 cargo test -p causebook-access: ";
const END: &str = "<!-- end -->";

#[test]
fn the_page_says_what_each_role_may_do() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/access.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let made = replaced(&replaced(&page, "roles", &roles()), "masks", &masks());
    if std::env::var_os("UPDATE_ACCESS").is_some() {
        std::fs::write(&path, &made).unwrap();
        return;
    }
    assert_eq!(
        page, made,
        "docs/access.md is old: run this test with UPDATE_ACCESS=1"
    );
}

/// The page with what stands between the marks of this name replaced.
fn replaced(page: &str, name: &str, table: &str) -> String {
    let begin = format!("{BEGIN}{name} -->");
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/access.md has no line {begin}"));
    let (_, after) = rest.split_once(END).expect("the mark is closed");
    format!("{before}{begin}\n{table}{END}{after}")
}

fn roles() -> String {
    let mut table = String::from("| may |");
    for role in Role::ALL {
        let _ = write!(table, " {role} |");
    }
    table.push_str("\n|---|");
    table.push_str(&":-:|".repeat(Role::ALL.len()));
    table.push('\n');
    for permission in Permission::ALL {
        let everywhere = match permission.scope() {
            Scope::Ledger => "",
            Scope::Server => " \\*",
        };
        let _ = write!(table, "| {}{everywhere} |", permission.meaning());
        for role in Role::ALL {
            table.push_str(if role.allows(permission) {
                " yes |"
            } else {
                " |"
            });
        }
        table.push('\n');
    }
    table
}

fn masks() -> String {
    let policy = MaskPolicy::default();
    let mut table = String::from("| role | masked by default |\n|---|---|\n");
    for role in Role::ALL {
        let mask: Vec<&str> = policy.of_role(role).iter().map(Pointer::as_str).collect();
        let words = match (role.allows(Permission::Read), mask.is_empty()) {
            (false, _) => "reads nothing".to_owned(),
            (true, true) => "nothing".to_owned(),
            (true, false) => format!("`{}`", mask.join("` `")),
        };
        let _ = writeln!(table, "| {role} | {words} |");
    }
    table
}
