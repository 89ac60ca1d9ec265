"""How the preview page looks: one style sheet for light, dark and print."""

STYLE = """
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#ffffff;--ink:#1b2330;--muted:#5b6675;--line:#dde1e7;--soft:#eef0f4;
--ours:#1f7fa8;--shadow:0 1px 2px rgba(20,30,50,.07)}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e6eaf0;--muted:#9ba7b5;--line:#2d3643;
--soft:#222a35;--ours:#4aa9d1;--shadow:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Arial,
sans-serif}
main{max-width:1120px;margin:0 auto;padding:34px 22px 60px}
h1{font-size:26px;line-height:1.25;margin:0 0 8px}
.lead{color:var(--muted);margin:0 0 22px;max-width:80ch}
h2{font-size:15px;font-weight:650;margin:0 0 12px;display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline}
.said{color:var(--muted);font-weight:400;font-size:14px;font-variant-numeric:tabular-nums}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 16px;
box-shadow:var(--shadow)}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 16px}
.number{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px;
box-shadow:var(--shadow)}
.number .name{color:var(--muted);font-size:13px}.number .note{color:var(--muted);font-size:13px}
.number .value{font-size:26px;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px}
figure{margin:0}
figure img{display:block;width:100%;height:auto;border-radius:6px;image-rendering:pixelated}
figcaption{color:var(--muted);font-size:13px;margin-top:5px}
.chips{display:flex;flex-wrap:wrap;gap:6px;margin-top:12px}
.chip{background:var(--soft);border-radius:99px;padding:1px 10px;font-size:13px;color:var(--muted);
font-variant-numeric:tabular-nums}
.chip b{color:var(--ink);font-weight:600}
.legends{display:flex;flex-wrap:wrap;gap:12px 34px;margin:22px 0 16px;align-items:flex-start}
.legend{display:flex;gap:10px;align-items:flex-start;font-size:13px;color:var(--muted)}
.scale{width:300px;padding-top:5px}.bar{height:12px;border-radius:3px}
.marks{display:flex;justify-content:space-between;font-variant-numeric:tabular-nums}
.swatch{width:26px;height:12px;border-radius:3px;margin-top:5px}
.chart svg{display:block;width:100%;height:auto}
.keys{margin:0 0 6px;color:var(--muted);font-size:13px}
.key{display:inline-block;width:22px;height:10px;border-radius:3px;margin:0 7px 0 0;vertical-align:-1px}
.key.band{background:var(--ours);opacity:.22;margin-left:20px}
.key.dot{width:10px;border-radius:99px;background:var(--ours)}
svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
svg .soft{fill:var(--muted)}svg .grid{stroke:var(--line);stroke-width:1}
svg .band{fill:var(--ours);opacity:.18}svg .curve{fill:none;stroke:var(--ours);stroke-width:2}
svg .dot{fill:var(--ours)}
footer{margin-top:30px;color:var(--muted);font-size:13px}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:10px 14px;overflow-x:auto;
font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--ink)}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#111;--muted:#444;--line:#ccc;--soft:#f3f3f3;
--ours:#1f7fa8;--shadow:none}.card{break-inside:avoid}}
"""
