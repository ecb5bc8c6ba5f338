use super::host::{capability, has_tracepoint};
use super::*;
use crate::cluster::{Permission, Purpose};

#[test]
fn hooks_are_found_by_their_whole_name() {
    let types = b"\0int\0btf_trace_sock_recv_length\0btf_trace_tcp_probe_more\0";
    assert!(has_tracepoint(types, "sock_recv_length"));
    assert!(!has_tracepoint(types, "tcp_probe"));
    assert!(!has_tracepoint(b"", "sock_recv_length"));
}

#[test]
fn a_capability_counts_if_effective_or_implied() {
    let status = |bits: &str| format!("Name:\tgwobs\nCapPrm:\tffffffffffffffff\nCapEff:\t{bits}\n");
    assert!(capability(&status("0000008000000000"), 39, "CAP_BPF").ok);
    assert!(!capability(&status("0000008000000000"), 38, "CAP_PERFMON").ok);
    assert!(capability(&status("0000000000200000"), 38, "CAP_PERFMON").ok);
    assert!(!capability("", 38, "CAP_PERFMON").ok);
}

#[test]
fn what_is_lacking_stands_out() {
    let needs = [
        Need::new("kernel", Ok("6.18.0".into())),
        Need::new("capability CAP_BPF", Err("run as root, or grant it".into())),
    ];
    assert_eq!(
        table(&needs),
        "ok       kernel              6.18.0\n\
         LACKING  capability CAP_BPF  run as root, or grant it\n\
         \n\
         gwobs cannot work here: 1 of 2 needs are lacking.\n"
    );
    let lines = jsonl(&needs).unwrap();
    assert_eq!(
        lines.lines().nth(1),
        Some(r#"{"need":"capability CAP_BPF","ok":false,"detail":"run as root, or grant it"}"#)
    );
}

#[test]
fn what_the_agent_can_do_without_is_no_lack() {
    let denied = |purpose| {
        api::need(&Permission {
            resource: "things.example.test".to_owned(),
            verbs: &["list", "watch"],
            denied: vec!["watch"],
            purpose,
        })
    };
    let needed = denied(Purpose::Decisions);
    assert_eq!(
        (&*needed.need, needed.ok),
        ("API: list and watch things.example.test", false)
    );
    assert!(needed.detail.contains("does not permit to watch"), "{}", needed.detail);
    for purpose in [Purpose::Certificates, Purpose::Events] {
        let without = denied(purpose);
        assert!(
            without.ok && without.detail.starts_with("may not watch: "),
            "{without:?}"
        );
    }
}
