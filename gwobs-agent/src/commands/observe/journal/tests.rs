use super::*;

#[test]
fn the_journal_grows_and_turns_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    fs::write(&path, "old\n").unwrap();
    let mut journal = Journal::with_limit(&path, 10).unwrap();
    journal.write_all(b"first\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\nfirst\n");
    journal.write_all(b"second\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
    assert_eq!(
        fs::read_to_string(directory.path().join("journal.1")).unwrap(),
        "old\nfirst\n"
    );
}

#[test]
fn a_line_longer_than_the_limit_is_kept_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let mut journal = Journal::with_limit(&path, 3).unwrap();
    journal.write_all(b"a long line\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a long line\n");
}

#[test]
fn a_path_that_cannot_be_opened_is_named() {
    let error = Journal::open(Path::new("/no/such/directory/journal")).unwrap_err();
    assert!(
        format!("{error:#}").contains("/no/such/directory/journal: "),
        "{error:#}"
    );
}
