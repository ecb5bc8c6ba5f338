use super::*;

#[test]
fn parent_is_found_behind_any_command_name() {
    assert_eq!(parent_in_stat("7 (nginx) S 3 7 7 0"), Some(3));
    assert_eq!(parent_in_stat("7 (a) R 9 (b) S 3 7 7 0"), Some(3));
    assert_eq!(parent_in_stat("7 (cut"), None);
}

#[test]
fn own_name_is_known_and_absent_processes_have_none() {
    assert!(process_name(process::id()).is_some());
    assert_eq!(process_name(u32::MAX), None);
}
