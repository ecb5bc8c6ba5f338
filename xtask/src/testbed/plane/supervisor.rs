//! The process above a data plane: what starts a container's process again, or one Envoy after another.

use std::process::Command;

/// What stands above a data plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Supervisor {
    /// Nothing: the testbed starts it.
    #[default]
    None,
    /// A process that starts it again whenever it ends.
    Restarts,
    /// A process that on SIGHUP starts a further one, which takes over from the one before (Envoy's hot restart).
    HotRestarts,
}

const RESTARTS: &str = r#"trap 'trap - TERM; kill -TERM 0' TERM
while :; do "$@" & wait $!; done"#;

const HOT_RESTARTS: &str = r#"epoch=0
start() { "$@" --restart-epoch $epoch & epoch=$((epoch + 1)); }
trap 'trap - TERM; kill -TERM 0' TERM
trap 'start "$@"' HUP
start "$@"
while :; do wait; sleep 0.1; done"#;

impl Supervisor {
    /// The command below this supervisor.
    pub(super) fn over(self, command: Command) -> Command {
        let script = match self {
            Self::None => return command,
            Self::Restarts => RESTARTS,
            Self::HotRestarts => HOT_RESTARTS,
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "supervisor"]);
        shell.arg(command.get_program()).args(command.get_args());
        let variables = command.get_envs();
        shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        shell
    }
}
