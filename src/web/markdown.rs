//! Publishers' Markdown as HTML: no raw HTML, links only to the web, to mail and within the portal.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// HTML that this module has made, so that templates may print it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

impl askama::FastWritable for Html {
    fn write_into(&self, dest: &mut dyn std::fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

/// Renders Markdown below a heading of level `under`: its own first level becomes the next one.
pub fn render(markdown: &str, under: u8) -> Html {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // A link or image that is left out loses its start and its end; what stood inside stays as text.
    let mut left_out = Vec::new();
    let events = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Heading { level, .. }) => {
            Some(Event::Start(Tag::Heading { level: deeper(level, under), id: None, classes: vec![], attrs: vec![] }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(deeper(level, under)))),
        // Focusable, because a long line scrolls and the keyboard must be able to do that too.
        Event::Start(Tag::CodeBlock(_)) => Some(Event::Html(CowStr::Borrowed("<pre tabindex=\"0\"><code>"))),
        Event::End(TagEnd::CodeBlock) => Some(Event::Html(CowStr::Borrowed("</code></pre>\n"))),
        // Pictures from elsewhere would tell others who reads; the content policy would not load them anyway.
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            let allowed = is_allowed(dest_url);
            left_out.push(!allowed);
            allowed.then_some(event)
        }
        Event::End(TagEnd::Link) => (left_out.pop() == Some(false)).then_some(event),
        other => Some(other),
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events);
    Html(html)
}

fn deeper(level: HeadingLevel, under: u8) -> HeadingLevel {
    let own = match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    };
    HeadingLevel::try_from((own + usize::from(under)).min(6)).unwrap_or(level)
}

/// An allow-list: a scheme that nobody has thought of is refused.
fn is_allowed(target: &CowStr<'_>) -> bool {
    let target: String = target.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    let scheme = target.split(['/', '?', '#']).next().and_then(|start| start.split_once(':')).map(|(scheme, _)| scheme);
    match scheme {
        None => !target.starts_with("//"),
        Some(scheme) => ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_active_survives() {
        let hostile = "<script>alert(1)</script>\n\n<b onclick=x>b</b> [a](javascript:alert(1)) [b](JaVa\tScript:x) \
                       [c](data:text/html,x) [d](//evil.example) ![e](https://evil.example/x.png) <vbscript:x>";
        let html = render(hostile, 1).to_string();
        for active in ["<script", "<b ", "href=", "<img", "<a"] {
            assert!(!html.contains(active), "{active} in {html}");
        }
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn links_to_the_web_to_mail_and_within_stay() {
        for good in ["https://a.example/x?y=1", "http://a.example", "mailto:a@b.example", "/apis", "#part", "docs/x"] {
            let html = render(&format!("[x]({good})"), 1).to_string();
            assert!(html.contains(&format!("href=\"{good}\"")), "{html}");
        }
    }

    #[test]
    fn headings_go_below_the_page_s_own() {
        assert_eq!(render("# A\n\n###### B", 2).to_string(), "<h3>A</h3>\n<h6>B</h6>\n");
    }
}
