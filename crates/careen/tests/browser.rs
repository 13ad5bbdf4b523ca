//! The report in a real headless Chromium: what a person sees, reaches by keyboard and can read.
//!
//! Needs the path of a chromedriver in `CAREEN_CHROMEDRIVER`; pictures stay in `target/tmp`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "a skipped test says why")]

#[path = "browser/driver.rs"]
mod driver;
#[path = "../../careen-report/tests/report/page.rs"]
mod page;
#[path = "browser/perfetto.rs"]
mod perfetto;
#[path = "../../careen-report/tests/report/sample.rs"]
#[expect(dead_code, reason = "the tests of the formats use all of it")]
mod sample;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::driver::{Browser, Key};

/// What is wrong with the page, in words; nothing when all is well.
const AUDIT: &str = r#"
const wrong = [];
const root = document.documentElement;
if (root.scrollWidth > innerWidth) {
  const wide = [...document.querySelectorAll("body *")]
    .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
    .map((part) => part.tagName + "." + part.getAttribute("class"));
  wrong.push(`${root.scrollWidth} wide in ${innerWidth}: ${[...new Set(wide)].slice(0, 6)}`);
}
if (!root.lang) wrong.push("no language");
for (const name of ["h1", "main", "header", "footer"]) {
  const n = document.querySelectorAll(name).length;
  if (n !== 1) wrong.push(`${n} times ${name}`);
}
for (const part of document.querySelectorAll("section")) {
  const heading = document.getElementById(part.getAttribute("aria-labelledby"));
  if (!heading || heading.tagName !== "H2" || !part.contains(heading)) {
    wrong.push(`a section without its heading: ${part.textContent.slice(0, 40)}`);
  }
}
const ids = [...document.querySelectorAll("[id]")].map((part) => part.id);
if (new Set(ids).size !== ids.length) wrong.push(`an id twice: ${ids}`);
for (const picture of document.querySelectorAll("svg")) {
  const part = picture.closest("section");
  const named = picture.closest("[role=img][aria-label]");
  const where = part?.getAttribute("aria-labelledby");
  if (!picture.closest("[aria-hidden=true]") && !named) wrong.push(`a nameless picture: ${where}`);
  if (!part?.querySelector("tbody tr")) wrong.push(`a picture without a table: ${where}`);
}
for (const cell of document.querySelectorAll("td, th, li")) {
  if (cell.clientWidth > 0 && cell.scrollWidth > cell.clientWidth + 1) {
    wrong.push(`text beyond its cell: ${cell.textContent.slice(0, 60)}`);
  }
}
for (const table of document.querySelectorAll("table")) {
  if (!table.querySelector("th[scope=col]")) wrong.push("a table without headings");
}
return wrong;
"#;

const OPEN: &str = "for (const part of document.querySelectorAll('details')) {
    part.was = part.open;
    part.open = true;
}";
const CLOSE: &str = "for (const part of document.querySelectorAll('details')) part.open = part.was";

/// The pages of the tests, rendered into files: rich, far too much, a first build alone.
fn pages() -> [(&'static str, PathBuf); 3] {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let first = {
        let mut given = page::first(900);
        given.proof.scenarios.truncate(1);
        given.proof.scenarios[0].pairs.truncate(1);
        given
    };
    let other = {
        let mut given = page::large();
        given.proof = page::broken(given.proof);
        given
    };
    [("rich", page::given(900)), ("large", other), ("few", first)].map(|(name, given)| {
        let path = folder.join(format!("browser-{name}.html"));
        // Two tests may write the same page at once.
        let new = tempfile::NamedTempFile::new_in(&folder).unwrap();
        std::fs::write(new.path(), page::page(&given)).unwrap();
        new.persist(&path).unwrap();
        (name, path)
    })
}

#[test]
fn browser_shows_the_page_at_both_widths_and_in_both_schemes() {
    let Some(browser) = Browser::start() else { return };
    for (name, path) in pages() {
        for width in [400, 1400] {
            for (scheme, background) in
                [("light", "rgb(251, 250, 247)"), ("dark", "rgb(20, 22, 26)")]
            {
                browser.width(width);
                browser.scheme(scheme);
                browser.open(&path);
                let at = format!("{name} at {width}, {scheme}");
                assert_eq!(browser.run("return innerWidth"), width, "{at}");
                assert_eq!(browser.run(AUDIT), json!([]), "{at}");
                let is = browser
                    .run("return getComputedStyle(document.documentElement).backgroundColor");
                assert_eq!(is, background, "{at}");
                // With every table open nothing may stick out either.
                browser.run(OPEN);
                assert_eq!(browser.run(AUDIT), json!([]), "{at}, all open");
                browser.run(CLOSE);
                let picture = browser.picture(&format!("browser-{name}-{width}-{scheme}"));
                assert!(picture.metadata().unwrap().len() > 10_000, "{at}");
                assert_eq!(browser.console(), Vec::<String>::new(), "{at}");
                // Its own file, and nothing else.
                assert_eq!(browser.requests(), [format!("file://{}", path.display())], "{at}");
            }
        }
    }
}

#[test]
fn browser_keyboard_reaches_every_picture() {
    let Some(browser) = Browser::start() else { return };
    let [(_, path), ..] = pages();
    browser.width(1400);
    browser.open(&path);
    let until = |what: &str| {
        let test = format!("return document.activeElement.matches({what:?})");
        let pressed = (0..80).find(|_| {
            browser.press(Key::Tab);
            browser.run(&test) == true
        });
        assert!(pressed.is_some(), "Tab does not reach {what}");
    };
    let row =
        "return [...document.activeElement.parentNode.children].indexOf(document.activeElement)";
    until(".gantt li");
    assert_eq!(browser.run(row), 0);
    let tip =
        "const tip = document.getElementById('tip'); return tip.hidden ? '' : tip.textContent";
    assert_ne!(browser.run(tip), "", "a row tells its numbers");
    browser.press(Key::Down);
    assert_eq!(browser.run(row), 1);
    browser.press(Key::End);
    assert_eq!(browser.run(row), 11);
    until("summary");
    assert_eq!(browser.run("return document.activeElement.closest('.gantt li')"), Value::Null);
    until(".map");
    until("summary");
    browser.press(Key::Enter);
    until("table.sort th button");
    browser.press(Key::Enter);
    let order = browser.run("return document.activeElement.parentNode.getAttribute('aria-sort')");
    assert_eq!(order, "ascending");
    let names = "return [...document.activeElement.closest('table').tBodies[0].rows].map((row) => row.cells[0].textContent)";
    let ascending = browser.run(names);
    browser.press(Key::Enter);
    let descending = browser.run(names);
    let reversed: Vec<Value> = ascending.as_array().unwrap().iter().rev().cloned().collect();
    assert_eq!(descending, Value::Array(reversed));
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// The same words, the same pictures and the same tables, with and without the page's script.
#[test]
fn browser_without_javascript_shows_everything() {
    let Some(browser) = Browser::start() else { return };
    let seen = "
        for (const part of document.querySelectorAll('details')) part.open = true;
        const drawn = [...document.querySelectorAll('svg')].filter((picture) => {
          const box = picture.getBoundingClientRect();
          return box.width > 0 && box.height > 0;
        });
        return {
          text: document.querySelector('main').innerText,
          pictures: drawn.length,
          of: document.querySelectorAll('svg').length,
          rows: document.querySelectorAll('tbody tr').length,
          titles: document.querySelectorAll('rect > title').length,
          ran: document.querySelectorAll('th button').length,
        };";
    for (name, path) in pages() {
        browser.width(1400);
        browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
        browser.open(&path);
        let with = browser.run(seen);
        browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        browser.open(&path);
        let without = browser.run(seen);
        assert_ne!(with["ran"], 0, "{name}: the script is on");
        assert_eq!(without["ran"], 0, "{name}: the script is off");
        for part in ["text", "pictures", "rows"] {
            assert_eq!(with[part], without[part], "{name}: {part}");
        }
        assert_eq!(without["pictures"], without["of"], "{name}: every picture is drawn");
        assert_ne!(without["titles"], 0, "{name}: native titles tell the numbers");
        browser.picture(&format!("browser-{name}-without-script"));
    }
}
