//! A filter that was read, and what engines want to know of it before they look at records.

use std::collections::BTreeSet;

use causebook_record::Pointer;
use jiff::Timestamp;

use crate::{Field, FilterError, Glob, Test, parse};

/// Which records are meant. The empty filter means all.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub(crate) root: Node,
}

/// How terms go together.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// All of these hold; always, if there are none.
    All(Vec<Node>),
    /// One of these holds.
    Any(Vec<Node>),
    /// This does not hold.
    Not(Box<Node>),
    /// This holds.
    Term(Term),
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// The text is somewhere in one of the record's texts, whatever its case. It is in lower case.
    Text(Glob),
    /// The value of the field answers the test.
    Field {
        /// Where to look.
        field: Field,
        /// What is asked.
        test: Test,
    },
}

impl Filter {
    /// Reads a filter; ages such as `since:7d` end at `now`.
    ///
    /// # Errors
    /// [`FilterError`] says where and what was expected.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, FilterError> {
        parse::parse(text, now).map(|root| Self { root })
    }

    /// The filter that means all records.
    pub fn everything() -> Self {
        Self {
            root: Node::All(Vec::new()),
        }
    }

    /// The filter that means what both mean.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        Self {
            root: Node::all(vec![self.root, other.root]),
        }
    }

    /// Whether it means all records.
    pub fn is_empty(&self) -> bool {
        matches!(&self.root, Node::All(nodes) if nodes.is_empty())
    }

    /// How its terms go together.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The places of a record that it looks at, sorted; the empty pointer stands for all of it. `index:` looks at none.
    pub fn paths(&self) -> Vec<Pointer> {
        let mut paths = BTreeSet::new();
        self.root.visit(&mut |term| {
            let (places, count) = match term {
                Term::Text(_) => (["", ""], 1),
                Term::Field { field, .. } => match field {
                    Field::Index => (["", ""], 0),
                    Field::Model => (["/model/name", "/model/version"], 2),
                    field => ([field.place(), ""], 1),
                },
            };
            let places = places.iter().take(count);
            paths.extend(places.filter_map(|place| place.parse::<Pointer>().ok()));
        });
        paths.into_iter().collect()
    }

    /// The one word that a field must be for the filter to hold, if a term that always has to hold says so: an index of
    /// that field then finds all candidates.
    pub fn exact(&self, field: &Field) -> Option<&str> {
        let terms = match &self.root {
            Node::All(nodes) => nodes.as_slice(),
            one => std::slice::from_ref(one),
        };
        terms.iter().find_map(|node| match node {
            Node::Term(Term::Field {
                field: asked,
                test: Test::Words(words),
            }) if asked == field => match words.as_slice() {
                [only] => only.as_exact(),
                _ => None,
            },
            _ => None,
        })
    }
}

impl Node {
    /// All of these; what is an `All` itself is taken apart.
    pub(crate) fn all(nodes: Vec<Node>) -> Node {
        let parts = nodes.into_iter().flat_map(|node| match node {
            Node::All(parts) => parts,
            other => vec![other],
        });
        let mut parts: Vec<Node> = parts.collect();
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => Node::All(parts),
        }
    }

    /// One of these; what is an `Any` itself is taken apart.
    pub(crate) fn any(nodes: Vec<Node>) -> Node {
        let parts = nodes.into_iter().flat_map(|node| match node {
            Node::Any(parts) => parts,
            other => vec![other],
        });
        let mut parts: Vec<Node> = parts.collect();
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => Node::Any(parts),
        }
    }

    pub(crate) fn not(node: Node) -> Node {
        match node {
            Node::Not(inner) => *inner,
            other => Node::Not(Box::new(other)),
        }
    }

    fn visit(&self, visit: &mut dyn FnMut(&Term)) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.visit(visit)),
            Node::Not(node) => node.visit(visit),
            Node::Term(term) => visit(term),
        }
    }
}
