//! The page: one file with all plots and tables, which needs nothing from elsewhere.

use super::escape::html as escape;
use super::heat;
use super::palette::{IDEAL, Marker, Palette, Style, hex};
use super::plots::{Figure, figures};
use super::rows::{MARKS, by_cost, columns, legend, rows};
use super::summary::{self, Cell};
use super::table::method;
use super::units;
use crate::contender::Family;
use crate::report::{Report, Results};
use std::fmt::Write as _;

/// The report as a page for a browser, on a desk or a phone, light or dark, with or without scripts.
pub fn html(report: &Report) -> String {
    let palette = Palette::new(report);
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Ordered parallel maps, compared</title>\n";
    page +=
        &format!("<style>\n{}{}</style>\n</head>\n<body>\n", include_str!("style.css"), colours(&palette));
    page += "<h1>Ordered parallel maps, compared</h1>\n";
    page += &heat::heat_map(report);
    page += "<div class=\"top\">\n<header>\n";
    page += &answers(report);
    page += &setup(report);
    page += "</header>\n";
    page += &overview(report);
    page += "</div>\n";
    let figures = figures(report, &palette);
    if !figures.is_empty() {
        page += "<h2 id=\"plots\">Plots</h2>\n";
        page += &chips(report, &palette, &figures);
        for timelines in [false, true] {
            page += "<div class=\"figures\">\n";
            page.extend(figures.iter().filter(|figure| figure.is_timeline == timelines).map(figure));
            page += "</div>\n";
        }
    }
    page += "<h2 id=\"tables\">All figures</h2>\n";
    page += &format!("<p>{} The mark {}</p>\n", escape(&legend(report)), escape(MARKS));
    page.extend(by_cost(report).into_iter().map(|results| table(report, results)));
    page += &contenders(report, &palette);
    page += &format!("<script>\n{}</script>\n</body>\n</html>\n", include_str!("script.js"));
    page
}

/// Rules that give each contender its dashes, and its other colour on a dark page.
fn colours(palette: &Palette) -> String {
    let mut rules = String::new();
    let mut dark = String::new();
    for style in palette.styles() {
        let (key, other) = (style.key(), hex(style.dark));
        if !style.dashes.is_empty() {
            writeln!(rules, "polyline[stroke=\"{key}\"] {{ stroke-dasharray: {} }}", style.dashes)
                .expect("a string takes all");
        }
        writeln!(dark, "[stroke=\"{key}\"] {{ stroke: {other} }} [fill=\"{key}\"] {{ fill: {other} }}")
            .expect("a string takes all");
    }
    format!("{rules}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

/// Which is fastest, and where ours lose.
fn answers(report: &Report) -> String {
    let sentences = summary::sentences(report);
    let items: String = sentences.iter().map(|sentence| format!("<li>{}</li>\n", escape(sentence))).collect();
    format!("<ul class=\"answers\">\n{items}</ul>\n")
}

fn setup(report: &Report) -> String {
    let setup = &report.setup;
    let quick = if setup.quick { " This was the short run, good for a first look only." } else { "" };
    format!(
        "<p>Measured on {}, {}: {}{quick} Every contender gives the same results in the same \
         order. Repeat it with</p>\n<pre><code>{}</code></pre>\n",
        escape(&setup.processor),
        escape(&setup.system),
        escape(&method(report)),
        escape(&setup.command),
    )
}

fn overview(report: &Report) -> String {
    let overview = summary::overview(report);
    let mut text = String::from(
        "<section>\n<h2 id=\"summary\">Summary</h2>\n<p>Time as a ratio to the ideal: sequential code of the same \
         round, divided among the threads at no cost. Where nothing can be divided, it is the time per item. The \
         lowest of a row is bold, and the stronger the colour of a cell, the more is lost.</p>\n",
    );
    text += "<div class=\"scroll\"><table class=\"overview\">\n<tr><th scope=\"col\">workload</th>";
    text.extend(overview.columns.iter().map(|column| format!("<th scope=\"col\">{}</th>", escape(column))));
    text += "</tr>\n";
    for (workload, cells) in &overview.rows {
        text += &format!("<tr><th scope=\"row\">{}</th>", escape(workload));
        text.extend(cells.iter().map(overview_cell));
        text += "</tr>\n";
    }
    text + "</table></div>\n</section>\n"
}

fn overview_cell(cell: &Cell) -> String {
    let heat = cell.ratio.map_or("h0", heat::class);
    let best = if cell.best { " best" } else { "" };
    let who = cell.who.as_deref().map_or(String::new(), |who| format!(" <small>{}</small>", escape(who)));
    format!("<td class=\"{heat}{best}\">{}{who}</td>", escape(&cell.text))
}

/// A chip for each contender that is in a plot, ours first.
fn chips(report: &Report, palette: &Palette, figures: &[Figure]) -> String {
    let rank = |family: Family| match family {
        Family::Backend => 0,
        Family::Sequential => 1,
        Family::Peer => 2,
    };
    let mut chips: Vec<(u8, &str)> =
        report.contenders.iter().map(|traits| (rank(traits.family), traits.name.as_str())).collect();
    chips.push((1, IDEAL));
    chips.sort_by_key(|chip| chip.0);
    let mut text =
        String::from("<div class=\"legend\" role=\"group\" aria-label=\"Contenders in the plots\">\n");
    for (_, name) in chips {
        let style = palette.style(name);
        let key = style.key();
        if figures.iter().any(|figure| figure.svg.contains(&key)) {
            text += &format!(
                "<button type=\"button\" class=\"chip\" data-key=\"{key}\" aria-pressed=\"false\">{}{}</button>\n",
                swatch(&style),
                escape(name)
            );
        }
    }
    text + "</div>\n"
}

/// A piece of the line of a contender.
fn swatch(style: &Style) -> String {
    let key = style.key();
    let marker = match style.marker {
        Marker::Disc => format!("<circle cx=\"32\" cy=\"10\" r=\"7\" fill=\"{key}\"/>"),
        Marker::Ring => {
            format!("<circle cx=\"32\" cy=\"10\" r=\"6\" fill=\"none\" stroke=\"{key}\" stroke-width=\"3\"/>")
        }
        Marker::Triangle => format!("<path d=\"M32 1 L40 15 L24 15 Z\" fill=\"{key}\"/>"),
        Marker::Cross => {
            format!("<path d=\"M26 4 L38 16 M38 4 L26 16\" stroke=\"{key}\" stroke-width=\"3\"/>")
        }
        Marker::None => String::new(),
    };
    let width = style.width.max(3);
    format!(
        "<svg viewBox=\"0 0 64 20\" class=\"swatch\" aria-hidden=\"true\"><polyline points=\"0,10 64,10\" \
         fill=\"none\" stroke=\"{key}\" stroke-width=\"{width}\"/>{marker}</svg>"
    )
}

fn figure(figure: &Figure) -> String {
    format!(
        "<figure>\n<h3>{}</h3>\n{}<figcaption>{}</figcaption>\n</figure>\n",
        escape(&figure.title),
        figure.svg,
        escape(&figure.caption)
    )
}

fn table(report: &Report, results: &Results) -> String {
    let other = report.with_other_allocator(results);
    let rows = rows(report, results, other);
    let mut text = format!(
        "<details open>\n<summary><b>{}</b> {}</summary>\n<div class=\"scroll\"><table>\n<tr>",
        escape(&results.workload),
        escape(&results.about)
    );
    text.extend(columns(other).iter().map(|column| format!("<th scope=\"col\">{}</th>", escape(column))));
    text += "</tr>\n";
    for row in &rows {
        let class = match row.family {
            Family::Backend => " class=\"ours\"",
            Family::Sequential => " class=\"sequential\"",
            Family::Peer => "",
        };
        text += &format!("<tr{class}><td>{}</td>", escape(row.mark().trim()));
        let mut cells = row.cells().iter().map(|cell| escape(cell));
        text.extend(cells.next().map(|name| format!("<th scope=\"row\">{name}</th>")));
        text.extend(cells.map(|cell| format!("<td>{cell}</td>")));
        text += "</tr>\n";
    }
    text + "</table></div>\n</details>\n"
}

fn contenders(report: &Report, palette: &Palette) -> String {
    let mut text = String::from(
        "<h2 id=\"contenders\">Contenders</h2>\n<p>Lazy: takes an endless input, in bounded memory. Live: a result \
         comes before the next item must. Cold: each call starts its own threads.</p>\n<dl class=\"contenders\">\n",
    );
    for traits in &report.contenders {
        let flags = [
            if traits.lazy { "lazy" } else { "eager" },
            if traits.live { "live" } else { "not live" },
            if traits.cold { "cold" } else { "warm" },
        ];
        text += &format!(
            "<dt>{}{}</dt><dd><code>{}</code> <small>{}</small></dd>\n",
            swatch(&palette.style(&traits.name)),
            escape(&traits.name),
            escape(&traits.about),
            flags.join(", ")
        );
    }
    text += "</dl>\n";
    text + &format!("<footer>{}</footer>\n", units::date(report.setup.time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn all_are_in_it() {
        let report = sample::large();
        let page = html(&report);
        for results in &report.workloads {
            assert!(page.contains(&format!("<b>{}</b>", results.workload)));
        }
        for traits in &report.contenders {
            assert!(page.contains(&format!("</svg>{}</dt>", traits.name)));
            assert!(page.contains(&format!("</svg>{}</button>", traits.name)));
        }
        assert_eq!(page.matches("<figure>").count(), 9);
        let twice = report.with_other_allocator.len();
        assert!(twice > 0 && page.matches("<th scope=\"col\">with mimalloc</th>").count() == twice);
    }

    #[test]
    fn nothing_is_taken_from_elsewhere() {
        for report in [sample::large(), sample::small()] {
            let page = html(&report);
            for resource in ["src=", "href=", "url(", "@import", "http:", "https:", "fetch("] {
                assert!(!page.contains(resource), "{resource}");
            }
        }
    }

    #[test]
    fn names_are_no_markup() {
        let page = html(&sample::hostile());
        assert!(!page.contains("<script>alert"), "the only script is ours");
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn without_plots_it_has_tables() {
        for report in [sample::small(), sample::empty()] {
            let page = html(&report);
            assert!(!page.contains("<figure>") && page.contains("<table>"));
        }
    }

    /// Writes a page to look at, which no assertion replaces.
    #[test]
    #[ignore = "it writes to a folder that RENDER_SAMPLE names"]
    fn write_samples() {
        let folder = std::path::PathBuf::from(std::env::var("RENDER_SAMPLE").expect("RENDER_SAMPLE is set"));
        let report = sample::large();
        std::fs::write(folder.join("sample.html"), html(&report)).unwrap();
        std::fs::write(folder.join("sample.md"), crate::render::markdown(&report)).unwrap();
        std::fs::write(folder.join("sample.txt"), crate::render::text(&report)).unwrap();
    }
}
