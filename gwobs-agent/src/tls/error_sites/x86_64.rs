//! x86-64: arguments in `edi`, `esi`, `edx`, then `rcx` and `r8`.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};

use super::{Arguments, MAX_SHARED, Profile};

pub(super) fn profile(code: &[u8], address: u64, files: &[u64]) -> Profile {
    let mut profile = Profile::default();
    let mut state = State::default();
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    while decoder.can_decode() {
        let instruction = decoder.decode();
        note_call(&instruction, code, address, &mut profile);
        match instruction.flow_control() {
            FlowControl::Call | FlowControl::IndirectCall => {
                profile.sites.extend(state.arguments.site(target(&instruction)));
                profile.numbered.extend(state.arguments.numbered(target(&instruction)));
                state = State::default();
            }
            FlowControl::UnconditionalBranch => {
                profile.sites.extend(follow(code, address, &instruction, state, files));
                state = State::default();
            }
            FlowControl::Next | FlowControl::ConditionalBranch => state.step(&instruction, files),
            _ => state = State::default(),
        }
    }
    profile
}

fn note_call(instruction: &Instruction, code: &[u8], address: u64, profile: &mut Profile) {
    let inside = |target: &u64| target.wrapping_sub(address) < code.len() as u64;
    profile
        .calls
        .extend(target(instruction).filter(|target| !inside(target)));
}

/// Where a direct call or jump goes.
fn target(instruction: &Instruction) -> Option<u64> {
    (instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64)
        .then(|| instruction.near_branch_target())
}

/// Several reports may share the call: one sets its arguments and jumps there.
fn follow(code: &[u8], address: u64, jump: &Instruction, mut state: State, files: &[u64]) -> Option<super::Site> {
    let distance = usize::try_from(target(jump)?.checked_sub(address)?).ok()?;
    let rest = code.get(distance..)?;
    let mut decoder = Decoder::with_ip(64, rest, target(jump)?, DecoderOptions::NONE);
    for _ in 0..MAX_SHARED {
        let instruction = decoder.can_decode().then(|| decoder.decode())?;
        match instruction.flow_control() {
            FlowControl::Call => return state.arguments.site(target(&instruction)),
            FlowControl::Next => state.step(&instruction, files),
            _ => return None,
        }
    }
    None
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    arguments: Arguments,
    /// A number that was pushed, to be popped into a register: how compilers load small numbers to save space.
    pushed: Option<u32>,
}

impl State {
    fn step(&mut self, instruction: &Instruction, files: &[u64]) {
        if takes_file(instruction, files) {
            self.arguments.has_file = true;
        }
        match instruction.code() {
            Code::Pushq_imm8 | Code::Pushq_imm32 => self.pushed = number(instruction, 0),
            _ => {
                if let Some(index) = argument(instruction) {
                    let value = self.value(instruction);
                    self.arguments.set(index, value);
                }
            }
        }
    }

    fn value(&mut self, instruction: &Instruction) -> Option<u32> {
        match instruction.code() {
            Code::Mov_r32_imm32 | Code::Mov_rm64_imm32 => number(instruction, 1),
            Code::Xor_r32_rm32 | Code::Xor_rm32_r32 => {
                (instruction.op0_register() == instruction.op1_register()).then_some(0)
            }
            Code::Pop_r64 => self.pushed.take(),
            _ => None,
        }
    }
}

fn number(instruction: &Instruction, operand: u32) -> Option<u32> {
    let is_immediate = operand < instruction.op_count() && instruction.try_immediate(operand).is_ok();
    u32::try_from(is_immediate.then(|| instruction.immediate(operand))?).ok()
}

/// Which argument an instruction sets, if it writes to its first operand.
fn argument(instruction: &Instruction) -> Option<usize> {
    if instruction.op_count() == 0 || instruction.op0_kind() != OpKind::Register || only_reads(instruction) {
        return None;
    }
    match instruction.op0_register().full_register() {
        Register::RDI => Some(0),
        Register::RSI => Some(1),
        Register::RDX => Some(2),
        _ => None,
    }
}

fn only_reads(instruction: &Instruction) -> bool {
    use iced_x86::Mnemonic::{Cmp, Test};
    matches!(instruction.mnemonic(), Cmp | Test)
}

fn takes_file(instruction: &Instruction, files: &[u64]) -> bool {
    let address = match instruction.code() {
        Code::Lea_r64_m if instruction.is_ip_rel_memory_operand() => instruction.ip_rel_memory_address(),
        Code::Mov_r32_imm32 => u64::from(instruction.immediate32()),
        _ => return false,
    };
    files.binary_search(&address).is_ok()
}
