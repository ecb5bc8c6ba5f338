use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("gwobs").chain(arguments.iter().copied()))
}

fn observe(arguments: &[&str]) -> ObserveArgs {
    match parse(&[&["observe"], arguments].concat()).unwrap().command {
        Command::Observe(observe) => *observe,
        other => panic!("{other:?}"),
    }
}

fn refused(arguments: &[&str]) -> ErrorKind {
    parse(arguments).unwrap_err().kind()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn options_of_the_interface_are_read() {
    let args = observe(&[
        "--manifests",
        "a.yaml",
        "--manifests",
        "b",
        "--gateway",
        "infra/web",
        "--process",
        "envoy",
        "--pid",
        "7",
        "--cgroup",
        "/kubepods",
        "--port-map",
        "80=10080",
        "--port-map",
        "443=10443",
        "--duration",
        "1.5",
        "--no-redact",
        "--fail-on-mismatch",
        "--hold",
        "0",
        "--convergence-window",
        "30",
        "--metrics-addr",
        "127.0.0.1:9090",
        "--record",
        "r",
        "--journal",
        "j",
    ]);
    assert_eq!(args.manifests.len(), 2);
    assert_eq!(args.gateway[0].to_string(), "infra/web");
    assert_eq!((args.process.len(), args.pid[0], args.cgroup.len()), (1, 7, 1));
    assert_eq!(
        args.port_map[1],
        PortPair {
            listener: 443,
            local: 10443
        }
    );
    assert_eq!(args.duration.unwrap().as_millis(), 1500);
    assert!(args.no_redact && args.fail_on_mismatch);
    assert_eq!((args.hold.as_secs(), args.convergence_window.as_secs()), (0, 30));
    assert_eq!(args.metrics_addr.unwrap().port(), 9090);
}

#[test]
fn defaults_are_those_of_the_interface() {
    let args = observe(&["--pid", "7"]);
    assert_eq!((args.hold.as_secs(), args.convergence_window.as_secs()), (2, 10));
    assert!(!args.no_redact && !args.fail_on_mismatch && args.duration.is_none() && args.metrics_addr.is_none());
}

#[test]
fn common_options_stand_before_or_after_the_command() {
    assert_eq!(
        parse(&["-o", "jsonl", "check"]).unwrap().global.output,
        Some(Output::Jsonl)
    );
    let cli = parse(&[
        "observe",
        "--pid",
        "7",
        "-o",
        "jsonl",
        "--log-format",
        "json",
        "--profile",
        "generic",
    ])
    .unwrap();
    assert_eq!(
        (cli.global.output, cli.global.log_format),
        (Some(Output::Jsonl), LogFormat::Json)
    );
    assert_eq!(cli.global.profile, Some(Profile::Generic));
}

#[test]
fn mistakes_are_usage_errors() {
    for (arguments, kind) in [
        (
            vec!["observe", "--pid", "7", "--frobnicate"],
            ErrorKind::UnknownArgument,
        ),
        (vec!["observe", "--pid", "0"], ErrorKind::ValueValidation),
        (
            vec!["observe", "--pid", "7", "--manifests", "a", "--gateway", "web"],
            ErrorKind::ValueValidation,
        ),
        (
            vec!["observe", "--pid", "7", "--port-map", "80"],
            ErrorKind::ValueValidation,
        ),
        (
            vec!["observe", "--pid", "7", "--port-map", "80=0"],
            ErrorKind::ValueValidation,
        ),
        (vec!["observe", "--pid", "7", "--hold=-1"], ErrorKind::ValueValidation),
        (
            vec!["observe", "--pid", "7", "--hold", "nan"],
            ErrorKind::ValueValidation,
        ),
        (
            vec!["observe", "--pid", "7", "--replay", "f"],
            ErrorKind::ArgumentConflict,
        ),
        (vec!["observe", "--pid", "7", "-o", "xml"], ErrorKind::InvalidValue),
        (vec!["check", "--profile", "no-such-plane"], ErrorKind::InvalidValue),
        (vec!["frobnicate"], ErrorKind::InvalidSubcommand),
    ] {
        assert_eq!(refused(&arguments), kind, "{arguments:?}");
    }
}

#[test]
fn the_version_names_the_revision() {
    assert!(
        version().contains(Build::VERSION) && version().contains("revision "),
        "{}",
        version()
    );
}
