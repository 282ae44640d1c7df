//! Trees of every kind against Shapley's formula.

use proptest::prelude::*;

use super::covers::path_dependent;
use super::interventional::Directions;
use super::reference::shapley;
use crate::{Arithmetic, Ensemble, Leaf, Missing, Node, Split, Test, Tree};

const COLUMNS: usize = 6;
const OUTPUTS: usize = 2;

/// Few values, so that rows meet thresholds, categories and each other; NaN and what counts as zero are among them.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-2..4_i32).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(1e-36),
        1 => Just(0.5),
        1 => Just(70.0),
    ]
}

fn row() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), COLUMNS)
}

fn test() -> impl Strategy<Value = Test> {
    let threshold = || (-2..4_i32).prop_map(f64::from);
    let set = || prop_oneof![(0..16_u64).prop_map(|bits| vec![bits]), Just(vec![2, 64])];
    prop_oneof![
        3 => threshold().prop_map(Test::Less),
        3 => threshold().prop_map(Test::LessOrEqual),
        1 => threshold().prop_map(Test::Greater),
        1 => threshold().prop_map(Test::GreaterOrEqual),
        1 => threshold().prop_map(Test::Equal),
        1 => threshold().prop_map(Test::NotEqual),
        2 => set().prop_map(Test::In),
        2 => set().prop_map(Test::NotIn),
    ]
}

fn missing() -> impl Strategy<Value = Missing> {
    prop::sample::select(vec![
        Missing::Left,
        Missing::Right,
        Missing::Zero,
        Missing::LeftWithZero,
        Missing::RightWithZero,
    ])
}

/// A tree as it grows; numbered afterwards.
#[derive(Clone, Debug)]
enum Branch {
    Leaf(Vec<(u32, f64)>, f64),
    Split(u32, Test, Missing, Box<Branch>, Box<Branch>),
}

fn branch() -> impl Strategy<Value = Branch> {
    let value = || -4.0..4.0_f64;
    let values = prop_oneof![
        2 => value().prop_map(|value| vec![(0, value)]),
        1 => value().prop_map(|value| vec![(1, value)]),
        2 => (value(), value()).prop_map(|(one, two)| vec![(1, two), (0, one)]),
        1 => Just(vec![]),
    ];
    let cover = prop_oneof![1 => Just(0.0), 9 => 0.1..9.0_f64];
    let leaf = (values, cover).prop_map(|(values, cover)| Branch::Leaf(values, cover));
    leaf.prop_recursive(6, 40, 2, |below| {
        let column = 0..COLUMNS as u32;
        (column, test(), missing(), below.clone(), below).prop_map(
            |(column, test, missing, left, right)| {
                Branch::Split(column, test, missing, Box::new(left), Box::new(right))
            },
        )
    })
}

/// Numbers the nodes; the cover of what it was given.
fn grow(branch: Branch, nodes: &mut Vec<Node>) -> f64 {
    let at = nodes.len();
    match branch {
        Branch::Leaf(values, cover) => {
            let leaf = Leaf {
                values,
                cover: Some(cover),
            };
            nodes.push(Node::Leaf(leaf));
            cover
        }
        Branch::Split(column, test, missing, left, right) => {
            let placeholder = Leaf {
                values: vec![],
                cover: None,
            };
            nodes.push(Node::Leaf(placeholder));
            let first = nodes.len() as u32;
            let left_cover = grow(*left, nodes);
            let second = nodes.len() as u32;
            let cover = left_cover + grow(*right, nodes);
            nodes[at] = Node::Split(Split {
                column,
                test,
                missing,
                left: first,
                right: second,
                cover: Some(cover),
            });
            cover
        }
    }
}

fn tree(branch: Branch) -> Tree {
    let mut nodes = Vec::new();
    grow(branch, &mut nodes);
    Tree { nodes }
}

fn ensemble(trees: Vec<Tree>) -> Ensemble {
    Ensemble {
        columns: COLUMNS,
        base: vec![0.25, -1.5],
        trees,
        arithmetic: Arithmetic::Double,
    }
}

fn ensembles() -> impl Strategy<Value = Ensemble> {
    let trees = prop::collection::vec(branch().prop_map(tree), 1..5);
    trees.prop_map(ensemble)
}

/// Shapley values of players, with the mean of the background's answers to mixed rows as worth.
fn reference(
    ensemble: &Ensemble,
    row: &[f64],
    background: &[Vec<f64>],
    owners: &[usize],
    players: usize,
    output: usize,
) -> Vec<f64> {
    shapley(players, |coalition| {
        let answers = background.iter().map(|from| {
            let mixed: Vec<f64> = (0..COLUMNS)
                .map(|column| {
                    if coalition[owners[column]] {
                        row[column]
                    } else {
                        from[column]
                    }
                })
                .collect();
            ensemble.margins(&mixed).unwrap()[output]
        });
        answers.sum::<f64>() / background.len() as f64
    })
}

/// What the trees say of a row when only the columns of a coalition are known: the others take both ways, by the covers.
fn expected(tree: &Tree, at: u32, row: &[f64], known: &[bool], output: usize) -> f64 {
    match &tree.nodes[at as usize] {
        Node::Leaf(leaf) => {
            let mut values = leaf.values.iter();
            let value = values.find(|(of, _)| *of as usize == output);
            value.map_or(0.0, |(_, value)| *value)
        }
        Node::Split(split) => {
            let column = split.column as usize;
            let go = |child| expected(tree, child, row, known, output);
            if known[column] {
                let left = split.goes_left(row[column]);
                return go(if left { split.left } else { split.right });
            }
            let share = |child: u32| {
                let cover = match &tree.nodes[child as usize] {
                    Node::Leaf(leaf) => leaf.cover,
                    Node::Split(split) => split.cover,
                };
                cover.unwrap() / split.cover.unwrap()
            };
            share(split.left) * go(split.left) + share(split.right) * go(split.right)
        }
    }
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found_one, expected_one) in found.iter().zip(expected) {
        let near = (found_one - expected_one).abs() <= tolerance;
        assert!(near, "{found:?}\n{expected:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn interventional_values_are_shapley_values_of_the_players(
        ensemble in ensembles(),
        row in row(),
        background in prop::collection::vec(row(), 1..6),
        owners in prop::collection::vec(0..4_usize, COLUMNS),
        output in 0..OUTPUTS,
    ) {
        let directions = Directions::new(&ensemble, &background).unwrap();
        let (base, found) = directions.attribute(&ensemble, &row, &owners, 4, output).unwrap();
        let expected = reference(&ensemble, &row, &background, &owners, 4, output);
        assert_near(&found, &expected, 1e-9);
        let total = base + found.iter().sum::<f64>();
        assert_near(&[total], &[ensemble.margins(&row).unwrap()[output]], 1e-9);
    }

    #[test]
    fn path_dependent_values_are_shapley_values_of_the_columns(
        ensemble in ensembles(),
        row in row(),
        output in 0..OUTPUTS,
    ) {
        let divides = |node: &Node| match node {
            Node::Split(split) => split.cover.is_some_and(|cover| cover > 0.0),
            Node::Leaf(_) => true,
        };
        let whole = ensemble.trees.iter().all(|tree| tree.nodes.iter().all(divides));
        let found = path_dependent(&ensemble, &row, output).unwrap();
        prop_assert_eq!(found.is_some(), whole);
        if let Some((base, found)) = found {
            let worth = |known: &[bool]| -> f64 {
                let trees = ensemble.trees.iter();
                trees.map(|tree| expected(tree, 0, &row, known, output)).sum()
            };
            let values = shapley(COLUMNS, worth);
            assert_near(&found, &values, 1e-9);
            assert_near(&[base], &[ensemble.base[output] + worth(&[false; COLUMNS])], 1e-9);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_background_of_several_blocks_is_the_mean_of_its_rows(
        ensemble in ensembles(),
        row in row(),
        background in prop::collection::vec(row(), 250..400),
        owners in prop::collection::vec(0..3_usize, COLUMNS),
    ) {
        let values = |background: &[Vec<f64>]| {
            let directions = Directions::new(&ensemble, background).unwrap();
            directions.attribute(&ensemble, &row, &owners, 3, 0).unwrap().1
        };
        let mut mean = vec![0.0; 3];
        for one in &background {
            for (mean, value) in mean.iter_mut().zip(values(std::slice::from_ref(one))) {
                *mean += value / background.len() as f64;
            }
        }
        assert_near(&values(&background), &mean, 1e-9);
    }
}

/// A comb: every split asks another column, and goes on to the right.
fn comb(depth: u32, columns: u32) -> Ensemble {
    let leaf = |value: f64, cover: f64| {
        Node::Leaf(Leaf {
            values: vec![(0, value)],
            cover: Some(cover),
        })
    };
    let mut nodes = Vec::new();
    for level in 0..depth {
        let left = f64::from(depth - level);
        nodes.push(Node::Split(Split {
            column: level % columns,
            test: Test::Less(0.5),
            missing: Missing::Left,
            left: level * 2 + 1,
            right: level * 2 + 2,
            cover: Some(left + 1.0),
        }));
        nodes.push(leaf(f64::from(level) / 10.0, 1.0));
    }
    nodes.push(leaf(7.0, 1.0));
    Ensemble {
        columns: columns as usize,
        base: vec![0.0],
        trees: vec![Tree { nodes }],
        arithmetic: Arithmetic::Double,
    }
}

#[test]
fn a_tree_of_a_thousand_levels_adds_up() {
    let deep = comb(1_024, 1_024);
    let row = vec![1.0; 1_024];
    let background: Vec<Vec<f64>> = (0..20)
        .map(|one| {
            (0..1_024)
                .map(|column| f64::from((column * 7 + one) % 11 != 0))
                .collect()
        })
        .collect();
    let owners: Vec<usize> = (0..1_024).collect();
    let directions = Directions::new(&deep, &background).unwrap();
    let (base, values) = directions
        .attribute(&deep, &row, &owners, 1_024, 0)
        .unwrap();
    assert_near(&[base + values.iter().sum::<f64>()], &[7.0], 1e-9);
    let (base, values) = path_dependent(&deep, &row, 0).unwrap().unwrap();
    assert_near(&[base + values.iter().sum::<f64>()], &[7.0], 1e-9);
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let deep = comb(1_025, 4);
    let error = Directions::new(&deep, &[vec![0.0; 4]]).unwrap_err();
    assert!(error.to_string().contains("depth"), "{error}");
    assert!(path_dependent(&deep, &[0.0; 4], 0).is_err());
}

#[test]
fn nodes_that_are_no_tree_are_refused() {
    let mut knot = comb(3, 2);
    if let Node::Split(split) = &mut knot.trees[0].nodes[0] {
        split.left = split.right;
    }
    assert!(Directions::new(&knot, &[vec![0.0; 2]]).is_err());
    let mut narrow = comb(3, 2);
    narrow.columns = 1;
    assert!(Directions::new(&narrow, &[vec![0.0]]).is_err());
}

#[test]
fn trees_without_covers_have_no_path_dependent_values() {
    let mut bare = comb(3, 2);
    for node in &mut bare.trees[0].nodes {
        if let Node::Leaf(leaf) = node {
            leaf.cover = None;
        }
    }
    assert_eq!(path_dependent(&bare, &[0.0; 2], 0).unwrap(), None);
}

#[test]
fn a_tree_that_is_only_a_leaf_contributes_to_the_base_alone() {
    let mut stump = comb(0, 2);
    stump.base = vec![1.0];
    let directions = Directions::new(&stump, &[vec![0.0; 2]]).unwrap();
    let found = directions
        .attribute(&stump, &[1.0; 2], &[0, 1], 2, 0)
        .unwrap();
    assert_eq!(found, (8.0, vec![0.0, 0.0]));
    assert_eq!(
        path_dependent(&stump, &[1.0; 2], 0).unwrap(),
        Some((8.0, vec![0.0, 0.0]))
    );
}
