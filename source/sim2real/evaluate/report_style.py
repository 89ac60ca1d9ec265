"""How the report looks: one style sheet for light, dark and print, and the few lines that sort its tables."""

STYLE = """
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#ffffff;--ink:#1b2330;--muted:#5b6675;--line:#dde1e7;--soft:#eef0f4;
--ours:#1f7fa8;--ours2:#63aecb;--base:#9aa5b1;--good:#1d7a4f;--goodbg:#e4f4ec;--mid:#8a5a00;--midbg:#fdf2dc;
--poor:#b3261e;--poorbg:#fbe7e5;--shadow:0 1px 2px rgba(20,30,50,.07)}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e6eaf0;--muted:#9ba7b5;--line:#2d3643;
--soft:#222a35;--ours:#4aa9d1;--ours2:#2f6f8c;--base:#66727f;--good:#6fd3a4;--goodbg:#16332a;--mid:#f0c169;
--midbg:#3a2e14;--poor:#ff9d94;--poorbg:#3f1f1d;--shadow:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;-webkit-font-smoothing:antialiased}
main{max-width:1180px;margin:0 auto;padding:36px 28px 64px}
h1{font-size:15px;font-weight:600;color:var(--muted);margin:0 0 14px;letter-spacing:.01em}
h2{font-size:19px;margin:0 0 4px;letter-spacing:-.01em}
h3{font-size:15px;margin:0 0 8px}
p{margin:0 0 10px}
section{margin-top:34px}
.below{color:var(--muted);margin:14px 0 0}
.lead{color:var(--muted);margin-bottom:14px;max-width:76ch}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;box-shadow:var(--shadow)}
.verdict{border-left:6px solid var(--base);padding:20px 24px}
.verdict .sentence{font-size:25px;line-height:1.32;font-weight:600;letter-spacing:-.015em;margin:8px 0 0}
.verdict .warning{margin:12px 0 0;color:var(--mid)}
.verdict .gap{margin:10px 0 0;color:var(--muted)}
.chip{display:inline-block;padding:1px 10px;border-radius:99px;font-size:13px;font-weight:600;background:var(--soft);
color:var(--muted)}
.good{border-left-color:var(--good)}.moderate{border-left-color:var(--mid)}.poor{border-left-color:var(--poor)}
.chip.good,.chip.success{background:var(--goodbg);color:var(--good)}
.chip.moderate,.chip.timeout{background:var(--midbg);color:var(--mid)}
.chip.poor,.chip.collision{background:var(--poorbg);color:var(--poor)}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:14px;margin-top:16px}
.number .name{color:var(--muted);font-size:13px}
.number .value{font-size:27px;font-weight:650;letter-spacing:-.02em;line-height:1.3;font-variant-numeric:tabular-nums}
.number .value.none{color:var(--muted);font-weight:500;font-size:21px;line-height:1.67}
.number .note{color:var(--muted);font-size:13px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:14px;align-items:start}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:600;font-size:13px}
td.num,th.num{text-align:right;padding-right:18px}
td.none{color:var(--muted)}
.facts td:first-child{color:var(--muted);width:46%}
.facts td{overflow-wrap:anywhere}
th.sort{cursor:pointer;user-select:none;white-space:nowrap}
th.sort::after{content:"\\2195";opacity:.35;margin-left:5px}
th.sort[aria-sort=ascending]::after{content:"\\2191";opacity:1}
th.sort[aria-sort=descending]::after{content:"\\2193";opacity:1}
.scroll{overflow-x:auto}
.heat td,.heat th{text-align:center;padding:9px 8px}
.heat td.cell{border:2px solid var(--card);border-radius:6px;color:#10202b}
.heat .deep{color:#ffffff!important}
figure{margin:0 0 18px}
figure img{display:block;width:100%;height:auto;border-radius:8px;border:1px solid var(--line);background:#f6f7f9}
figure.small img{max-width:560px}
figcaption{color:var(--muted);font-size:14px;margin-top:6px}
details{margin-top:10px}
summary{cursor:pointer;font-weight:600;padding:4px 0}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;
font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:8px 0 0}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
ul{margin:0;padding-left:20px}li{margin:3px 0}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--ink);font:13px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
svg .soft{fill:var(--muted)}svg .strong{font-weight:650}
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--muted);stroke-width:1}
svg .whisker{stroke:var(--ink);stroke-width:1.6}
svg .ours{fill:var(--ours)}svg .ours2{fill:var(--ours2)}svg .base{fill:var(--base)}
svg .curve{fill:none;stroke-width:2.2}svg .c1{stroke:var(--ours)}svg .c2{stroke:#d1772e}
svg .d1{fill:var(--ours)}svg .d2{fill:#d1772e}
footer{margin-top:44px;color:var(--muted);font-size:13px}
@media (max-width:860px){.cards{grid-template-columns:1fr 1fr}.two{grid-template-columns:1fr}main{padding:22px 14px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#111;--muted:#444;--line:#ccc;--soft:#f3f3f3;
--ours:#1f7fa8;--ours2:#63aecb;--base:#9aa5b1;--good:#1d7a4f;--goodbg:#e4f4ec;--mid:#8a5a00;--midbg:#fdf2dc;
--poor:#b3261e;--poorbg:#fbe7e5;--shadow:none}
body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
section{break-inside:auto;margin-top:20px}h2,h3{break-after:avoid}figure,.card,tr{break-inside:avoid}
.verdict .sentence{font-size:17pt}.cards{grid-template-columns:repeat(4,1fr)}.two{grid-template-columns:1fr 1fr}
.number .value{font-size:16pt}.scroll{overflow:visible}}
@page{margin:14mm}
"""

SCRIPT = """
document.querySelectorAll("table.sortable").forEach(function (table) {
  var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
  Array.prototype.forEach.call(heads, function (head, column) {
    head.classList.add("sort");
    head.tabIndex = 0;
    function sort() {
      var up = head.getAttribute("aria-sort") !== "ascending";
      Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      var rows = Array.prototype.slice.call(body.rows);
      rows.sort(function (a, b) {
        var x = a.cells[column].dataset.value, y = b.cells[column].dataset.value;
        var order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return up ? order : -order;
      });
      rows.forEach(function (row) { body.appendChild(row); });
    }
    head.addEventListener("click", sort);
    head.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
    });
  });
});
"""
