//! Regular expressions of the specs: always matched against the whole value.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Inconclusive;
use crate::profile::Dialect;
use crate::truth::Truth;

/// Largest compiled form of one expression, in bytes: enough for any that the API's 1,024 characters can sensibly hold,
/// and small enough that a spec full of them stays bounded.
const MAX_COMPILED: usize = 1 << 20;
/// Steps that a backtracking expression may take: a hostile one gives up within a millisecond or so.
const MAX_STEPS: usize = 100_000;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) source: Arc<str>,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    /// Means the same in both dialects.
    Common(regex::Regex),
    /// Uses what only PCRE has: look-around, back-references, atomic groups.
    PcreOnly(Box<fancy_regex::Regex>),
    /// No dialect takes it.
    Invalid,
}

impl Pattern {
    fn new(source: &Arc<str>) -> Self {
        let whole = format!(r"\A(?:{source})\z");
        let common = regex::RegexBuilder::new(&whole).size_limit(MAX_COMPILED).build();
        let engine = match common {
            Ok(expression) => Engine::Common(expression),
            Err(_) => Self::pcre(&whole).map_or(Engine::Invalid, |pcre| Engine::PcreOnly(Box::new(pcre))),
        };
        Self {
            source: source.clone(),
            engine,
        }
    }

    fn pcre(whole: &str) -> Option<fancy_regex::Regex> {
        let mut builder = fancy_regex::RegexBuilder::new(whole);
        builder.backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_COMPILED);
        builder.build().ok()
    }

    /// Whether the whole of `value` matches, in a gateway of that dialect.
    pub(crate) fn holds(&self, value: &str, dialect: Option<Dialect>) -> Truth {
        match (&self.engine, dialect) {
            // Classes such as \d mean ASCII in some engines and Unicode in others.
            (Engine::Common(expression), _) if !value.is_ascii() => {
                Truth::doubtful(expression.is_match(value), Inconclusive::ImplementationDefined)
            }
            (Engine::Common(expression), _) => Truth::certain(expression.is_match(value)),
            // The gateway must have refused it; what it does instead is not known.
            (Engine::PcreOnly(_), Some(Dialect::Re2)) | (Engine::Invalid, _) => {
                Truth::doubtful(false, Inconclusive::UnsupportedSpec)
            }
            (Engine::PcreOnly(expression), dialect) => match (expression.is_match(value), dialect) {
                (Ok(holds), Some(_)) => Truth::certain(holds),
                (Ok(holds), None) => Truth::of_readings(holds, [false]),
                (Err(_), _) => Truth::doubtful(false, Inconclusive::UnsupportedSpec),
            },
        }
    }
}

/// All expressions in use, each compiled once.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    known: HashMap<Arc<str>, Arc<Pattern>>,
}

impl Patterns {
    pub(crate) fn get(&mut self, source: &Arc<str>) -> Arc<Pattern> {
        let make = || Arc::new(Pattern::new(source));
        self.known.entry(source.clone()).or_insert_with(make).clone()
    }

    /// Forgets what no route uses any more.
    pub(crate) fn sweep(&mut self) {
        self.known.retain(|_, pattern| Arc::strong_count(pattern) > 1);
    }
}
