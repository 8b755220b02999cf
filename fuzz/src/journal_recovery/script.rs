//! The fuzz input as a script: bytes are taken from its front, and past its end they are zero.

/// What a script asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    /// Appends a group of records.
    Group,
    /// Begins a segment.
    Segment,
    /// Ends the journal as a clean stop does.
    Close,
    /// Sets room apart behind the records, as a running writer has it.
    Room,
    /// Flips bits.
    Flip,
    /// Zeroes a range.
    Zero,
    /// Cuts a file.
    Cut,
    /// Takes a file away.
    Remove,
    /// Writes bytes of the script over a file.
    Overwrite,
    /// Writes a record with any fields and the right checksums.
    ForgeRecord,
    /// Writes a segment header with any fields and the right checksum.
    ForgeHeader,
    /// Puts a file beside the segments.
    Stranger,
}

/// Ends every script, however long its input.
const MOST_OPERATIONS: usize = 48;

pub(super) struct Script<'a> {
    rest: &'a [u8],
    operations: usize,
}

impl<'a> Script<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { rest: input, operations: 0 }
    }

    pub(super) fn operation(&mut self) -> Option<Operation> {
        use Operation::*;
        // History is as likely as damage, or nothing would be there to be damaged.
        const TABLE: [Operation; 16] = [
            Group,
            Group,
            Group,
            Segment,
            Segment,
            Group,
            Close,
            Room,
            Flip,
            Zero,
            Cut,
            Remove,
            Overwrite,
            ForgeRecord,
            ForgeHeader,
            Stranger,
        ];
        self.operations += 1;
        if self.rest.is_empty() || self.operations > MOST_OPERATIONS {
            return None;
        }
        Some(TABLE[usize::from(self.byte()) % TABLE.len()])
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A number that is mostly near another one.
    pub(super) fn near(&mut self, number: u64) -> u64 {
        match self.byte() {
            255 => self.u64(),
            delta => number.wrapping_add(u64::from(delta)).wrapping_sub(100),
        }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        for (to, from) in taken.iter_mut().zip(self.bytes(N)) {
            *to = *from;
        }
        taken
    }
}
