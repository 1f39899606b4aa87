#include "draw/page_style.h"

#include "base/buffer.h"
#include "draw/svg_style.h"

static const char type[] =
    "*{box-sizing:border-box}\n"
    "html{color-scheme:light dark;-webkit-text-size-adjust:100%}\n"
    "body{margin:0 auto;padding:2.5rem 1.25rem "
    "4rem;max-width:70rem;background:var(--paper);"
    "color:var(--ink);font:1.0625rem/1.6 Charter,\"Bitstream Charter\",\"Iowan Old "
    "Style\","
    "\"Palatino Linotype\",Palatino,Georgia,\"Noto Serif\",\"Songti SC\","
    "\"Noto Serif CJK SC\",\"Source Han Serif SC\",serif}\n"
    ":lang(zh){line-height:1.8}\n"
    "h1,h2,table,nav,summary,.facts,.legend,.switch{font-family:-apple-system,"
    "BlinkMacSystemFont,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\",\"PingFang "
    "SC\","
    "\"Microsoft YaHei\",\"Noto Sans CJK SC\",\"Source Han Sans SC\",sans-serif}\n"
    "h1{font-size:1.9rem;line-height:1.25;margin:1.5rem 0 .5rem;font-weight:600;"
    "text-wrap:balance}\n"
    "h2{font-size:1.3rem;line-height:1.3;margin:0 0 .5rem;font-weight:600}\n"
    "p,ul.verdict,.notes{max-width:42rem;margin:.6rem 0}\n"
    "a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}\n"
    "section{margin:3.5rem 0 0;padding:2rem 0 0;border-top:1px solid var(--hair)}\n";

static const char parts[] =
    ".contents{margin:1.25rem 0;padding:0;list-style:none;font-size:.95rem}\n"
    ".contents li{margin:.2rem 0}\n"
    ".notes{margin:1.5rem 0;padding:.75rem 1.1rem;border:1px solid var(--line);"
    "border-left-width:4px;border-radius:3px}\n"
    ".notes p{margin:.2rem 0}\n"
    ".verdict{padding:.1rem 0 .1rem 1rem;border-left:3px solid var(--accent);"
    "list-style:none}\n"
    "p.verdict::first-letter{text-transform:uppercase}\n"
    "ul.verdict{padding-left:1rem}\n"
    "ul.verdict li{margin:.35rem 0}\n"
    ".endpoints{font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,\"DejaVu Sans Mono\","
    "monospace;font-size:.85em;color:var(--quiet)}\n"
    ".picture{margin:1.5rem 0;overflow-x:auto;overscroll-behavior-x:contain}\n"
    ".picture:focus-visible{outline:2px solid var(--accent);outline-offset:4px}\n"
    ".picture svg{display:block;max-width:none}\n"
    "details{margin:1rem 0}\n"
    "summary{cursor:pointer;color:var(--accent);font-size:.95rem}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;margin:.75rem 0;font-size:.9rem;line-height:1.4}\n"
    "th,td{padding:.2rem 1.1rem .2rem 0;text-align:left;vertical-align:baseline;"
    "border-bottom:1px solid var(--hair)}\n"
    "th{font-weight:600;border-bottom-color:var(--line);white-space:nowrap}\n"
    "td.number,th:first-child{text-align:right;font-variant-numeric:tabular-nums}\n"
    "td.number{font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,\"DejaVu Sans Mono\","
    "monospace;font-size:.92em;color:var(--quiet)}\n"
    "td{white-space:nowrap}\n"
    "ul.summary{max-width:52rem;margin:1rem 0;padding:0;list-style:none;font-size:.95rem}\n"
    "ul.summary li{margin:.15rem 0;overflow-wrap:anywhere}\n"
    ".advice{font-size:.98rem}\n"
    ".findings{margin:1rem 0 2.5rem;max-width:46rem}\n"
    ".findings dt{font-weight:600;margin:1.1rem 0 .2rem;overflow-wrap:anywhere}\n"
    ".findings dd{margin:0 0 0 1rem;padding-left:.9rem;border-left:3px solid "
    "var(--hair)}\n"
    ".tall{max-height:36rem;overflow:auto}\n"
    ".tall:focus-visible{outline:2px solid var(--accent);outline-offset:2px}\n"
    ".list{font-size:.84rem}\n"
    ".list th,.list td{padding-right:.9rem}\n"
    ".list td:nth-child(2),.list td:nth-child(3){white-space:normal;overflow-wrap:anywhere;"
    "min-width:11rem;max-width:15rem}\n"
    ".list th{position:sticky;top:0;background:var(--paper)}\n"
    ".list th.number{text-align:right}\n"
    ".list .failed td:nth-child(4){color:var(--alarm);font-weight:600}\n"
    ".list .reset td:nth-child(5){color:var(--alarm);font-weight:600}\n"
    "section:target>h2{text-decoration:underline;text-decoration-color:var(--accent)}\n"
    "footer{margin:4rem 0 0;padding:1.5rem 0 0;border-top:1px solid var(--line)}\n"
    ".legend{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));"
    "gap:.35rem 2rem;margin:1rem 0 2rem;padding:0;list-style:none;font-size:.9rem;"
    "line-height:1.4}\n"
    ".legend li{display:flex;gap:.8rem;align-items:center}\n"
    ".legend svg{flex:none}\n"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem "
    "1.25rem;margin:1rem 0;"
    "font-size:.85rem;line-height:1.5;color:var(--quiet)}\n"
    ".facts dd{margin:0;overflow-wrap:anywhere}\n";

/* The switch: two radio buttons before everything else, and labels that show which is on.
 * Of two languages the one whose button is off is hidden. */
static const char language_switch[] =
    ".pick{position:absolute;opacity:0;width:1px;height:1px;margin:0}\n"
    ".switch{display:flex;justify-content:flex-end;gap:0;font-size:.9rem}\n"
    ".switch label{padding:.25rem .8rem;border:1px solid var(--line);cursor:pointer;"
    "line-height:1.5}\n"
    ".switch label:first-child{border-radius:4px 0 0 4px}\n"
    ".switch label:last-child{border-radius:0 4px 4px 0;border-left:0}\n"
    "#language-0:checked~header [for=language-0],#language-1:checked~header "
    "[for=language-1]{background:var(--ink);color:var(--paper);border-color:var(--ink)}\n"
    "#language-0:focus-visible~header [for=language-0],#language-1:focus-visible~header "
    "[for=language-1]{outline:2px solid var(--accent);outline-offset:3px}\n"
    "#language-0:checked~* .l1,#language-1:checked~* .l0{display:none}\n";

static const char print[] =
    "@media(max-width:40rem){body{padding:1.25rem 1rem 3rem}"
    "h1{font-size:1.5rem}"
    ".picture{margin-left:-1rem;margin-right:-1rem}"
    ".legend{grid-template-columns:1fr}}\n"
    "@media print{body{max-width:none;padding:0;font-size:10.5pt}"
    ".switch,.contents,details:not([open]){display:none}"
    ".picture,.tall{overflow:visible;max-height:none}"
    ".picture svg{max-width:100%;height:auto}"
    "section{break-inside:auto}h2{break-after:avoid}"
    "svg,tr{break-inside:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

void page_style(struct buffer *out)
{
    svg_style_colours(out, ":root");
    svg_style_rules(out);
    buffer_append_text(out, type);
    buffer_append_text(out, parts);
    buffer_append_text(out, language_switch);
    buffer_append_text(out, print);
}
