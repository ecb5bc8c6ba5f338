//! A tree of path prefixes by whole elements. Kept as a flat list with links to the parent, so that neither the search nor
//! the drop of a deep tree recurses.

use std::collections::HashMap;

use crate::table::bucket::Bucket;

/// See the module.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// The first is the root, the prefix `/`.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    parent: Option<u32>,
    children: HashMap<Box<str>, u32>,
    bucket: Option<Box<Bucket>>,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

/// The elements of a path or of a trimmed prefix.
fn elements(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

impl Prefixes {
    /// The bucket of a prefix without trailing `/`; empty for the root.
    pub(super) fn bucket(&mut self, prefix: &str) -> &mut Bucket {
        let node = elements(prefix).fold(0, |node, element| self.child(node, element));
        #[expect(clippy::indexing_slicing, reason = "`child` returns indices of nodes that are there")]
        self.nodes[node as usize].bucket.get_or_insert_default()
    }

    fn child(&mut self, node: u32, element: &str) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        #[expect(clippy::indexing_slicing, reason = "`node` is the root or came from here")]
        let child = *self.nodes[node as usize].children.entry(element.into()).or_insert(next);
        if child == next {
            self.nodes.push(Node {
                parent: Some(node),
                ..Node::default()
            });
        }
        child
    }

    /// The buckets of all prefixes of `path`, the longest first.
    pub(super) fn covering(&self, path: &str) -> impl Iterator<Item = &Bucket> {
        let start = path.starts_with('/').then(|| self.deepest(path));
        let up = |node: &&Node| node.parent.and_then(|parent| self.nodes.get(parent as usize));
        std::iter::successors(start.flatten(), up).filter_map(|node| node.bucket.as_deref())
    }

    fn deepest(&self, path: &str) -> Option<&Node> {
        let mut node = self.nodes.first()?;
        for element in elements(path) {
            match node
                .children
                .get(element)
                .and_then(|&child| self.nodes.get(child as usize))
            {
                Some(child) => node = child,
                None => break,
            }
        }
        Some(node)
    }
}
