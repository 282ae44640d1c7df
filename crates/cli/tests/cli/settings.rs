//! The program itself: homes, settings, help, exit codes, and a look at its health.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{LOANS, Place};

#[test]
fn a_home_is_made_once() {
    let place = Place::new();
    let run = place
        .run(&["init", "--origin", "risk.example.com/loans"])
        .succeeds();
    run.prints(&["Made ledger main in causebook", "risk.example.com/loans"]);
    assert!(place.path("causebook/causebook.toml").is_file());
    let mode = fs::metadata(place.path("causebook/ledgers/main/key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    place
        .run(&["init"])
        .ends_with(1)
        .says(&["there is a ledger here already", "--ledger"]);
    place.run(&["init", "--ledger", "second"]).succeeds();
    place
        .run(&["ls", "--ledger", "secnd"])
        .ends_with(3)
        .says(&["did you mean --ledger second?"]);
    place
        .run(&["init", "--ledger", "No Such"])
        .ends_with(1)
        .says(&["a-z"]);
    let described = place
        .run(&["init", "--ledger", "third", "--format", "json"])
        .succeeds()
        .json();
    assert_eq!(described["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn the_strongest_setting_wins_and_says_so() {
    let place = Place::new();
    let user = place.path("user/.config/causebook");
    fs::create_dir_all(&user).unwrap();
    fs::write(
        user.join("config.toml"),
        "ledger = \"from-user\"\nby = \"team:user\"\n",
    )
    .unwrap();
    let show = |place: &Place, arguments: &[&str]| {
        place
            .run(&[&["config", "show", "--origin"], arguments].concat())
            .succeeds()
            .out
    };
    let line = |text: &str, key: &str| {
        text.lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .to_owned()
    };
    assert!(line(&show(&place, &[]), "ledger").contains("from-user"));
    place.write(
        "causebook.toml",
        "# here\nhome = \"books\"\nledger = \"from-here\"\n",
    );
    let shown = show(&place, &[]);
    assert!(
        line(&shown, "ledger").contains("from-here")
            && line(&shown, "ledger").ends_with("causebook.toml:3"),
        "{shown}"
    );
    assert!(line(&shown, "home").contains("books"), "{shown}");
    assert!(line(&shown, "by").contains("team:user"), "{shown}");
    assert!(line(&show(&place, &["--ledger", "from-flag"]), "ledger").ends_with("flag --ledger"));
    let output = place
        .command(&["config", "show", "--origin"])
        .env("CAUSEBOOK_LEDGER", "from-env")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        line(&shown, "ledger").ends_with("environment CAUSEBOOK_LEDGER"),
        "{shown}"
    );
    assert!(
        line(&shown, "sql.timeout_s").ends_with("default"),
        "{shown}"
    );
    let paths = place.run(&["config", "path"]).succeeds().out;
    assert_eq!(paths.lines().next(), Some("causebook.toml"));
}

#[test]
fn a_key_nobody_knows_is_refused_with_its_line() {
    let place = Place::new();
    place.write("causebook.toml", "# a comment\nledgre = \"main\"\n");
    let run = place.run(&["ls"]).ends_with(2);
    run.says(&[
        "`ledgre` is not a setting",
        "causebook.toml:2",
        "did you mean `ledger`?",
    ]);
    place.write("causebook.toml", "[sql]\ntimeout_s = \"long\"\n");
    place.run(&["ls"]).ends_with(2).says(&["causebook.toml:2"]);
    // Commands that need no settings do not mind.
    place.run(&["completions", "bash"]).succeeds();
    place.write("causebook.toml", "");
    fs::create_dir(place.path("causebook")).unwrap();
    place.write("causebook/causebook.toml", "home = \"elsewhere\"\n");
    place
        .run(&["ls"])
        .ends_with(2)
        .says(&["cannot name another home"]);
}

#[test]
fn help_explains_commands_and_topics() {
    let place = Place::new();
    place
        .run(&["help"])
        .succeeds()
        .prints(&["record", "verify", "demo"]);
    place
        .run(&["help", "verify"])
        .succeeds()
        .prints(&["--quick", "20"]);
    place
        .run(&["help", "exit-codes"])
        .succeeds()
        .prints(&["20  tampering found", "21  could not be verified"]);
    place
        .run(&["help", "formats"])
        .succeeds()
        .prints(&["2024-06-01 12:00:00 - Input"]);
    place
        .run(&["help", "environment"])
        .succeeds()
        .prints(&["CAUSEBOOK_HOME"]);
    place
        .run(&["help", "verfy"])
        .ends_with(2)
        .says(&["did you mean `verify`?"]);
    place.run(&["verfy"]).ends_with(2).says(&["verify"]);
    place
        .run(&["verify", "--quik"])
        .ends_with(2)
        .says(&["--quick"]);
    place.run(&["--version"]).succeeds().prints(&["causebook "]);
}

#[test]
fn help_fits_a_terminal_of_eighty_columns() {
    let place = Place::new();
    let list = place.run(&["help"]).succeeds().out;
    let commands = list
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let text = place.run(&["help", name]).succeeds().out;
        let long: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > 100)
            .collect();
        assert!(long.is_empty(), "help {name}: {long:#?}");
    }
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        place
            .run(&["completions", shell])
            .succeeds()
            .prints(&["causebook", "verify"]);
    }
    place.run(&["completions", "csh"]).ends_with(2);
    place.run(&["man"]).succeeds().prints(&[".TH", "causebook"]);
    place
        .run(&["man", "prove"])
        .succeeds()
        .prints(&[".TH", "evidence"]);
    place
        .run(&["man", "prov"])
        .ends_with(2)
        .says(&["did you mean `prove`?"]);
    place.run(&["man", "--dir", "pages"]).succeeds();
    assert!(
        place.path("pages/causebook.1").is_file()
            && place.path("pages/causebook-verify.1").is_file()
    );
}

#[test]
fn failures_are_objects_where_json_is_spoken() {
    let place = Place::new();
    let problem = place
        .run(&["show", "abcd", "--format", "json"])
        .ends_with(3)
        .problem();
    assert_eq!(problem["code"], "no-ledger");
    assert_eq!(problem["exit"], 3);
    assert!(problem["hint"].as_str().unwrap().contains("causebook init"));
    let problem = place
        .run(&["shwo", "--format", "json"])
        .ends_with(2)
        .problem();
    assert_eq!(problem["code"], "usage");
}

#[test]
fn colour_is_given_when_asked_for_only() {
    let place = Place::with_loans();
    assert!(!place.run(&["show", "loan-0001"]).out.contains('\x1b'));
    assert!(
        place
            .run(&["show", "loan-0001", "--color", "always"])
            .out
            .contains('\x1b')
    );
    let forced = |name: &str, arguments: &[&str]| {
        let output = place
            .command(arguments)
            .env(name, "1")
            .env("CLICOLOR_FORCE", "1")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\x1b')
    };
    assert!(forced("CLICOLOR_FORCE", &["show", "loan-0001"]));
    assert!(!forced("NO_COLOR", &["show", "loan-0001"]));
    assert!(!forced(
        "CLICOLOR_FORCE",
        &["show", "loan-0001", "--color", "never"]
    ));
}

#[test]
fn quiet_means_quiet() {
    let place = Place::with_ledger();
    let run = place.run_with(&["record", "-q"], LOANS).succeeds();
    assert_eq!(run.err, "");
    assert_eq!(run.lines().len(), 2);
}

#[test]
fn the_doctor_finds_an_open_key_and_says_how_to_close_it() {
    let place = Place::with_loans();
    let healthy = place.run(&["doctor"]).succeeds();
    healthy.prints(&[
        "ok",
        "sync",
        "checkpoint",
        "over all 2 records",
        "nobody is writing",
    ]);
    let key = place.path("causebook/ledgers/main/key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let run = place.run(&["doctor"]).ends_with(1);
    run.prints(&[
        "failed",
        "others can read the signing key",
        "fix: chmod 600",
    ]);
    let checks = place
        .run(&["doctor", "--format", "json"])
        .ends_with(1)
        .json();
    let failed: Vec<&str> = checks
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["state"] == "failed")
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["key"]);
    Place::new()
        .run(&["doctor"])
        .ends_with(1)
        .prints(&["fix: causebook init"]);
}

#[test]
fn a_ledger_of_a_later_version_is_left_alone() {
    let place = Place::with_loans();
    let path = place.path("causebook/ledgers/main/ledger.json");
    let identity =
        fs::read_to_string(&path)
            .unwrap()
            .replacen("\"format\": 1", "\"format\": 99", 1);
    fs::write(&path, identity).unwrap();
    place
        .run(&["ls"])
        .ends_with(1)
        .says(&["format 99", "later"]);
    place.run_with(&["record"], LOANS).ends_with(1);
    place.run(&["verify"]).ends_with(21);
}

#[test]
fn without_its_key_a_ledger_is_read_but_not_written() {
    let place = Place::with_loans();
    fs::remove_file(place.path("causebook/ledgers/main/key")).unwrap();
    place.run(&["verify"]).succeeds();
    place
        .run_with(&["record"], LOANS.replace("loan-", "more-"))
        .ends_with(1)
        .says(&["signing key", "hint:"]);
    assert_eq!(place.run(&["ls"]).lines().len(), 2);
}
