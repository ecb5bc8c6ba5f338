//! As much of an assembler as the functions of a TLS library need, for both architectures.

/// An architecture's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    X86_64,
    Aarch64,
}

pub(super) const BOTH: [Machine; 2] = [Machine::X86_64, Machine::Aarch64];

/// Code that lies at an address.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) machine: Machine,
    pub(super) address: u64,
    pub(super) bytes: Vec<u8>,
}

impl Code {
    pub(super) fn at(machine: Machine, address: u64) -> Self {
        Self {
            machine,
            address,
            bytes: Vec::new(),
        }
    }

    pub(super) fn here(&self) -> u64 {
        self.address + self.bytes.len() as u64
    }

    /// `arguments[register] = number`
    pub(super) fn number(&mut self, register: u8, number: u16) -> &mut Self {
        match self.machine {
            Machine::X86_64 => {
                let operation = [0xbf, 0xbe, 0xba, 0xb9][usize::from(register)];
                self.bytes.push(operation);
                self.bytes.extend(u32::from(number).to_le_bytes());
            }
            Machine::Aarch64 => self.word(0x5280_0000 | u32::from(number) << 5 | u32::from(register)),
        }
        self
    }

    /// `arguments[register] = 0`, as compilers write it.
    pub(super) fn zero(&mut self, register: u8) -> &mut Self {
        match self.machine {
            Machine::X86_64 => self
                .bytes
                .extend([[0x31, 0xff], [0x31, 0xf6], [0x31, 0xd2]][usize::from(register)]),
            Machine::Aarch64 => self.word(0x2a1f_03e0 | u32::from(register)),
        }
        self
    }

    /// `arguments[register] = address`
    pub(super) fn take(&mut self, register: u8, address: u64) -> &mut Self {
        match self.machine {
            Machine::X86_64 => {
                let operands = [0x3d, 0x35, 0x15, 0x0d][usize::from(register)];
                let distance = relative(self.here() + 7, address);
                self.bytes.extend([0x48, 0x8d, operands]);
                self.bytes.extend(distance.to_le_bytes());
            }
            Machine::Aarch64 => {
                let pages = relative(self.here() >> 12, address >> 12).cast_unsigned();
                let register = u32::from(register);
                self.word(0x9000_0000 | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5 | register);
                let offset = u32::try_from(address & 0xfff).unwrap();
                self.word(0x9100_0000 | offset << 10 | register << 5 | register);
            }
        }
        self
    }

    pub(super) fn call(&mut self, target: u64) -> &mut Self {
        self.branch(target, 0xe8, 0x9400_0000)
    }

    pub(super) fn jump(&mut self, target: u64) -> &mut Self {
        self.branch(target, 0xe9, 0x1400_0000)
    }

    fn branch(&mut self, target: u64, short: u8, long: u32) -> &mut Self {
        match self.machine {
            Machine::X86_64 => {
                let distance = relative(self.here() + 5, target);
                self.bytes.push(short);
                self.bytes.extend(distance.to_le_bytes());
            }
            Machine::Aarch64 => {
                let distance = relative(self.here(), target).cast_unsigned();
                self.word(long | distance >> 2 & 0x3ff_ffff);
            }
        }
        self
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        match self.machine {
            Machine::X86_64 => self.bytes.push(0xc3),
            Machine::Aarch64 => self.word(0xd65f_03c0),
        }
        self
    }

    /// Up to the next function, as linkers pad.
    pub(super) fn align(&mut self) -> &mut Self {
        while !self.bytes.len().is_multiple_of(16) {
            match self.machine {
                Machine::X86_64 => self.bytes.push(0xcc),
                Machine::Aarch64 => self.word(0xd503_201f),
            }
        }
        self
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend(word.to_le_bytes());
    }
}

fn relative(from: u64, to: u64) -> i32 {
    i32::try_from(to.cast_signed() - from.cast_signed()).unwrap()
}
