//! YAML as a tree, safe to read from anybody: aliases are shared, depth is limited.

use std::collections::HashMap;
use std::rc::Rc;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;

/// Deeper files are refused: no compose file is, and dropping a tree takes stack.
const DEEPEST: usize = 100;

/// How many mappings one key is looked for in, through merge keys.
const MOST_MERGES: u32 = 1000;

#[derive(Debug)]
pub(crate) enum Node {
    Scalar(String),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(String, Rc<Node>)>),
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Node::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> &[(String, Rc<Node>)] {
        match self {
            Node::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Rc<Node>] {
        match self {
            Node::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a key, also of mappings merged by `<<`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.get_within(key, &mut { MOST_MERGES })
    }

    fn get_within(&self, key: &str, left: &mut u32) -> Option<&Node> {
        *left = left.checked_sub(1)?;
        let own = self.entries().iter().find(|(name, _)| name == key);
        if let Some((_, value)) = own {
            return Some(value);
        }
        let (_, merged) = self.entries().iter().find(|(name, _)| name == "<<")?;
        match &**merged {
            Node::Sequence(all) => all.iter().find_map(|one| one.get_within(key, left)),
            one => one.get_within(key, left),
        }
    }
}

/// What is open while reading: a collection, its anchor, and the key that waits for its value.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<String>,
}

/// The first document of a file.
pub(crate) fn parse(text: &str) -> Result<Rc<Node>, String> {
    let mut parser = Parser::new_from_str(text);
    let mut anchors: HashMap<usize, Rc<Node>> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    loop {
        let (event, _) = parser.next_token().map_err(|err| err.to_string())?;
        let (node, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (Rc::new(Node::Scalar(text)), anchor),
            // An alias inside of its own anchor has no value.
            Event::Alias(id) => match anchors.get(&id) {
                Some(node) => (Rc::clone(node), 0),
                None => (Rc::new(Node::Scalar(String::new())), 0),
            },
            Event::SequenceStart(anchor, _) => {
                open.push(Open { node: Node::Sequence(Vec::new()), anchor, key: None });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { node: Node::Mapping(Vec::new()), anchor, key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = open.pop() else { continue };
                (Rc::new(done.node), done.anchor)
            }
            Event::DocumentEnd | Event::StreamEnd => {
                return Ok(Rc::new(Node::Scalar(String::new())));
            }
            Event::Nothing | Event::StreamStart | Event::DocumentStart => continue,
        };
        if open.len() > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST}"));
        }
        if anchor != 0 {
            anchors.insert(anchor, Rc::clone(&node));
        }
        match open.last_mut() {
            None => return Ok(node),
            Some(parent) => parent.add(node),
        }
    }
}

impl Open {
    fn add(&mut self, node: Rc<Node>) {
        match &mut self.node {
            Node::Sequence(items) => items.push(node),
            Node::Mapping(entries) => match self.key.take() {
                Some(key) => entries.push((key, node)),
                // A key that is a collection itself is of no use to us.
                None => self.key = Some(node.text().unwrap_or_default().to_owned()),
            },
            Node::Scalar(_) => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[track_caller]
    fn check(text: &str, path: &[&str], expected: Option<&str>) {
        let root = parse(text).unwrap();
        let found = path.iter().try_fold(&*root, |node, key| node.get(key));
        assert_eq!(found.and_then(Node::text), expected);
    }

    #[test]
    fn keys_lead_to_values_also_through_merges() {
        check("a: {b: 'c d'}\n", &["a", "b"], Some("c d"));
        check("a: &x\n  b: 1\nc:\n  <<: *x\n  d: 2\n", &["c", "b"], Some("1"));
        check("a: &x {b: 1}\nc:\n  <<: [{e: 3}, *x]\n", &["c", "b"], Some("1"));
        // An own key goes before a merged one.
        check("a: &x {b: 1}\nc: {<<: *x, b: 2}\n", &["c", "b"], Some("2"));
        check("? [a]\n: b\nc: d\n", &["c"], Some("d"));
        check("a: &a {b: *a, c: d}\n", &["a", "b"], Some(""));
        check("", &["a"], None);
    }

    #[test]
    fn what_is_wrong_is_an_error_and_not_a_panic() {
        for broken in ["a: [", "\ta: b", "a: b: c", "'", "{a: *nobody}"] {
            let _ = parse(broken);
        }
        assert!(parse("a: [").is_err());
        assert!(parse(&"[".repeat(5000)).is_err());
        assert!(parse(&format!("{}{}", "[".repeat(5000), "]".repeat(5000))).is_err());
    }

    #[test]
    fn a_bomb_of_aliases_stays_small() {
        let mut bomb = "a0: &a0 {x: 1}\n".to_owned();
        for i in 1..40 {
            let alias = format!("*a{},", i - 1).repeat(9);
            writeln!(bomb, "a{i}: &a{i} {{<<: [{alias}]}}").unwrap();
        }
        check(&bomb, &["a39", "nothing"], None);
    }

    #[test]
    fn no_cut_of_a_file_panics() {
        let text = "x: &a\n  - {b: \"é\\n\"}\n<<: *a\ny: |\n  text\n? k\n: !!str v\n";
        for (at, _) in text.char_indices() {
            let _ = parse(&text[..at]);
        }
    }
}
