//! A treemap of the image's layers by size.

use careen_model::units;

use super::{
    Limits,
    escape::{middle_cut, put, shown},
    squarify::{Rect, squarify},
};
use crate::{LayerShown, words};

const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 1000.0, height: 300.0 };

pub(super) fn section(page: &mut String, layers: &[LayerShown], limits: Limits) {
    let mut sized: Vec<(usize, &LayerShown)> =
        layers.iter().enumerate().filter(|(_, layer)| layer.bytes > 0).collect();
    if sized.is_empty() {
        return;
    }
    sized.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.bytes));
    let total: u64 = sized.iter().map(|(_, layer)| layer.bytes).sum();
    let (drawn, small) = sized.split_at(sized.len().min(limits.rows));
    put!(
        page,
        "<section aria-labelledby=layers>\n<h2 id=layers>What is in the image</h2>\n\
         <p class=lead>{} in {} with files, base image included. Areas are bytes on the engine's \
         disk.</p>\n",
        units::size(total),
        words::many(sized.len(), "layer")
    );
    picture(page, drawn, total, limits);
    put!(
        page,
        "<details><summary>The layers as a table</summary>\n<table class=sort><thead><tr>\
         <th scope=col class=n>Layer<th scope=col>Made by<th scope=col class=n>Size</thead>\n<tbody>\n"
    );
    for (place, layer) in drawn {
        put!(
            page,
            "<tr><td class=n>{}<td>{}<td class=n data-v={}>{}\n",
            place + 1,
            shown(&middle_cut(&made_by(layer), limits.name)),
            layer.bytes,
            units::size(layer.bytes)
        );
    }
    put!(page, "</tbody></table></details>\n");
    if !small.is_empty() {
        let bytes = small.iter().map(|(_, layer)| layer.bytes).sum();
        let layers = words::many(small.len(), "smaller layer");
        put!(page, "<p class=note>{layers} not shown, {}</p>\n", units::size(bytes));
    }
    put!(page, "</section>\n");
}

#[expect(clippy::cast_precision_loss, reason = "areas on a screen")]
fn picture(page: &mut String, layers: &[(usize, &LayerShown)], total: u64, limits: Limits) {
    put!(
        page,
        "<div class=\"map low\" tabindex=0 role=img aria-label=\"Treemap of {}; the table below \
         has the numbers\">\n<svg viewBox=\"0 0 1000 300\" preserveAspectRatio=none aria-hidden=true>\n",
        units::size(total)
    );
    let sizes: Vec<f64> = layers.iter().map(|(_, layer)| layer.bytes as f64).collect();
    let areas = squarify(&sizes, FRAME);
    for ((_, layer), area) in layers.iter().zip(&areas) {
        if area.width < 0.05 || area.height < 0.05 {
            continue;
        }
        put!(
            page,
            "<rect class=layer {}><title>{} · {}</title></rect>\n",
            area.attributes(),
            shown(&middle_cut(&made_by(layer), limits.name)),
            units::size(layer.bytes)
        );
    }
    put!(page, "</svg>\n");
    for ((_, layer), area) in layers.iter().zip(&areas).take(14) {
        if area.width < 60.0 || area.height < 36.0 {
            continue;
        }
        put!(
            page,
            "{}<b>{}</b> {}</span>",
            area.label(FRAME),
            shown(&middle_cut(&made_by(layer), 28)),
            units::size(layer.bytes),
        );
    }
    put!(page, "</div>\n");
}

/// The instruction as people wrote it, without what builders put around it.
fn made_by(layer: &LayerShown) -> String {
    let text = layer.made_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
    let text = text.strip_prefix("/bin/sh -c #(nop)").map_or(text, str::trim);
    let text = text.replacen("RUN /bin/sh -c ", "RUN ", 1);
    let text = match text.strip_prefix("/bin/sh -c ") {
        Some(command) => format!("RUN {command}"),
        None => text,
    };
    if text.is_empty() || text == "<missing>" {
        "a layer of unknown origin".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_told_as_they_were_written() {
        let check = |text: &str, wanted: &str| {
            assert_eq!(made_by(&LayerShown { made_by: text.to_owned(), bytes: 1 }), wanted);
        };
        check("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update");
        check("/bin/sh -c apt-get update", "RUN apt-get update");
        check("/bin/sh -c #(nop) COPY dir:1 in /app ", "COPY dir:1 in /app");
        check("COPY . /app # buildkit", "COPY . /app");
        check("", "a layer of unknown origin");
    }
}
