//! The style of a page.

/// The style sheet. The colours have a contrast of at least 4.5 to 1 in both schemes.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#57606a;--line:#d0d7de;--soft:#f4f6f8;--bar:#0a69c7;--bad:#b42318}
@media (prefers-color-scheme:dark){:root{--back:#0f1318;--text:#e6e9ed;--quiet:#9aa4af;--line:#333c46;--soft:#181e25;--bar:#58a6ff;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}
h3{font-size:1.05rem;margin-top:1.75rem;overflow-wrap:anywhere}
p.quiet,caption,figcaption{color:var(--quiet)}
caption{text-align:left;padding:.25rem 0;white-space:nowrap}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.75rem 0;font-variant-numeric:tabular-nums}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere;white-space:pre-wrap;unicode-bidi:isolate}
thead th,tbody th{background:var(--soft);font-weight:600}
tbody th,td:not(.n){min-width:5rem}
td.n,th.n{text-align:right;white-space:nowrap}
td.same{font-weight:600}
td.bad,.bad{color:var(--bad)}
pre{background:var(--soft);border:1px solid var(--line);padding:.75rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.875rem}
figure{margin:1rem 0}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--text);font:13px system-ui,sans-serif}
svg rect{fill:var(--bar)}
svg .bad{fill:var(--bad)}
@media print{:root{--back:#fff;--text:#000;--quiet:#444;--line:#999;--soft:#f4f4f4;--bar:#0a69c7;--bad:#b42318}body{max-width:none;padding:0;font-size:11px}svg rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}tr,figure{break-inside:avoid}h2,h3{break-after:avoid}}
";
