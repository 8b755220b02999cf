//! A blocked Bloom filter: says "not there" for certain, with one cache line read.
//!
//! The lower half of a key picks the block, the upper half the bits in it; sorted runs use the top
//! bits of the upper half, the filter its bottom bits.

use super::key::Key;

/// Bits of a block's index in the key: 512 = 2^9 bits in a block.
const BITS_OF_A_PROBE: u32 = 9;

/// Probes for a key; near the optimum for 6 to 10 bits a key.
const PROBES: u32 = 4;

/// The size of a block in a file.
pub(crate) const BLOCK_BYTES: usize = 64;

/// One cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
struct Block([u64; 8]);

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    /// Makes an empty filter for so many keys; with no bits it excludes nothing.
    pub(crate) fn new(keys: u64, bits_per_key: u32) -> Self {
        let bits = keys.saturating_mul(u64::from(bits_per_key));
        let blocks = usize::try_from(bits.div_ceil(512)).unwrap_or(usize::MAX);
        Self { blocks: vec![Block::default(); blocks] }
    }

    pub(crate) fn insert(&mut self, key: Key) {
        let index = self.block_of(key);
        if let Some(Block(words)) = self.blocks.get_mut(index) {
            for probe in probes(key) {
                words[probe / 64] |= 1 << (probe % 64);
            }
        }
    }

    /// False where the key was certainly not inserted.
    pub(crate) fn may_contain(&self, key: Key) -> bool {
        let has_all = |Block(words): &Block| {
            probes(key).all(|probe| words[probe / 64] & (1 << (probe % 64)) != 0)
        };
        self.blocks.get(self.block_of(key)).is_none_or(has_all)
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    /// The filter as it lies in a file, a piece at a time.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Vec<u8>> {
        let bytes = |blocks: &[Block]| {
            blocks.iter().flat_map(|block| block.0).flat_map(u64::to_le_bytes).collect()
        };
        self.blocks.chunks(1024).map(bytes)
    }

    /// Reads back what [`Filter::pieces`] yields.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let (blocks, _) = words.as_chunks::<8>();
        Self { blocks: blocks.iter().map(|words| Block(words.map(u64::from_le_bytes))).collect() }
    }

    /// Maps the key onto the blocks evenly, without a division.
    fn block_of(&self, key: Key) -> usize {
        ((u128::from(key.low) * self.blocks.len() as u128) >> 64) as usize
    }
}

fn probes(key: Key) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| (key.high >> (probe * BITS_OF_A_PROBE)) as usize % 512)
}

#[cfg(test)]
mod tests {
    use super::super::testing::random_keys;
    use super::*;

    fn filled(keys: &[Key], bits_per_key: u32) -> Filter {
        let mut filter = Filter::new(keys.len() as u64, bits_per_key);
        keys.iter().for_each(|&key| filter.insert(key));
        filter
    }

    #[test]
    fn what_was_inserted_is_never_excluded() {
        let keys = random_keys(1, 10_000);
        for bits_per_key in [0, 1, 6, 10] {
            let filter = filled(&keys, bits_per_key);
            assert!(keys.iter().all(|&key| filter.may_contain(key)));
        }
    }

    #[test]
    fn six_bits_exclude_more_than_nine_in_ten_strangers() {
        let filter = filled(&random_keys(1, 100_000), 6);
        let strangers = random_keys(2, 100_000);
        let taken = strangers.iter().filter(|&&key| filter.may_contain(key)).count();
        assert!(taken < 8_000, "{taken} of 100000");
    }

    #[test]
    fn a_filter_comes_back_from_its_bytes() {
        let filter = filled(&random_keys(3, 20_000), 6);
        let bytes: Vec<u8> = filter.pieces().flatten().collect();
        assert_eq!(bytes.len(), filter.blocks() * BLOCK_BYTES);
        assert_eq!(Filter::from_bytes(&bytes), filter);
    }
}
