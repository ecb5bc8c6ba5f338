use super::*;

#[test]
fn names_the_missing_capabilities() {
    let error = check_capabilities("Name:\tx\nCapEff:\t0000000000000000\n").unwrap_err();
    assert!(error.to_string().contains("CAP_BPF and CAP_PERFMON"), "{error}");
    let error = check_capabilities("CapEff:\t0000008000000000\n").unwrap_err();
    assert!(error.to_string().contains("needs CAP_PERFMON:"), "{error}");
}

#[test]
fn either_both_capabilities_or_sys_admin_suffice() {
    check_capabilities("CapEff:\t000000c000000000\n").unwrap();
    check_capabilities("CapEff:\t0000000000200000\n").unwrap();
}

#[test]
fn only_confidentiality_stands_in_the_way() {
    check_lockdown("none [integrity] confidentiality\n").unwrap();
    assert!(matches!(
        check_lockdown("none integrity [confidentiality]\n"),
        Err(ProbeError::Lockdown)
    ));
}
