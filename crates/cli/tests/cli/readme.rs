//! The commands that the README gives are run as they stand there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::Place;

#[test]
fn the_two_minutes_of_the_readme_work_as_written() {
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let section = readme
        .split("## Two minutes")
        .nth(1)
        .expect("the README has a section of two minutes");
    let block = section
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let commands: Vec<&str> = block
        .lines()
        .filter(|line| line.contains("causebook "))
        .collect();
    assert!(commands.len() >= 5, "{block}");

    let place = Place::new();
    place.write(
        "decisions.csv",
        "id,age,decision\nd-1,30,approved\nd-2,31,denied\n",
    );
    let mut id = String::new();
    for line in commands {
        let output = shell(&place, &line.replace("ID", &id));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{line}\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        if line.contains("causebook record") {
            let receipt: serde_json::Value = serde_json::from_str(&text).unwrap();
            receipt["id"].as_str().unwrap().clone_into(&mut id);
        }
        if let Some((_, promised)) = line.split_once("# 2024-06-01") {
            assert_eq!(text.trim_end(), format!("2024-06-01{promised}"));
        }
    }
}

/// A line as a shell would run it, with the program on the path.
fn shell(place: &Place, line: &str) -> std::process::Output {
    let program = Path::new(env!("CARGO_BIN_EXE_causebook"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", line])
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path("user"));
    command.current_dir(place.path(".")).output().unwrap()
}
