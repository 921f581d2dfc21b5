import type { MailContent, MailLine } from './mail-content.ts';

/** Mail readers drop style sheets, scripts and much of CSS: tables and styles at each element are what they all show. */
const FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const CELL = 'padding:12px 0;border-bottom:1px solid #e6e8eb;vertical-align:top';
const GOOD = '#1a7f4b';
const BAD = '#a23b2a';

/** The mail as HTML. Nothing is loaded from anywhere. */
export function htmlOf(content: MailContent): string {
  const { subject, headline, isGood, greeting, paragraphs, facts, lines, more, total, next, closing } = content;
  const colour = isGood ? GOOD : BAD;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light">',
    `<title>${escapeHtml(subject)}</title>`,
    '</head>',
    `<body style="margin:0;padding:0;background:#f3f4f6;color:#1f2933;${FONT};font-size:16px;line-height:1.5">`,
    `<div style="display:none;max-height:0;overflow:hidden">${escapeHtml(paragraphs[0] ?? headline)}</div>`,
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f6"><tr><td align="center" style="padding:24px 12px">',
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;border-radius:8px">',
    `<tr><td style="padding:20px 32px;border-top:4px solid ${colour};border-radius:8px 8px 0 0;font-weight:bold;letter-spacing:0.06em;color:#52606d">SWITCHYARD</td></tr>`,
    '<tr><td style="padding:0 32px 32px">',
    `<h1 style="margin:8px 0 16px;font-size:24px;line-height:1.25;color:${colour}">${escapeHtml(headline)}</h1>`,
    ...[greeting, ...paragraphs].map((text) => `<p style="margin:0 0 12px">${escapeHtml(text)}</p>`),
    '<table role="presentation" cellpadding="0" cellspacing="0" style="margin:20px 0 8px;width:100%;background:#f8f9fa;border-radius:6px">',
    ...facts.map(
      ([label, value]) =>
        `<tr><td style="padding:10px 16px;color:#52606d;width:120px">${escapeHtml(label)}</td><td style="padding:10px 16px;font-weight:bold">${escapeHtml(value)}</td></tr>`,
    ),
    '</table>',
    '<table cellpadding="0" cellspacing="0" style="width:100%;border-collapse:collapse">',
    ...(lines.length > 0
      ? [
          `<tr><th scope="col" align="left" style="${CELL};color:#52606d;font-weight:normal">Item</th><th scope="col" align="right" style="${CELL};color:#52606d;font-weight:normal">Amount</th></tr>`,
        ]
      : []),
    ...lines.map(rowOf),
    ...(more === undefined
      ? []
      : [`<tr><td colspan="2" style="${CELL};color:#52606d">&hellip; ${escapeHtml(more)}</td></tr>`]),
    `<tr><td style="padding:16px 0;font-weight:bold">${escapeHtml(total[0])}</td><td align="right" style="padding:16px 0;font-weight:bold;white-space:nowrap">${escapeHtml(total[1])}</td></tr>`,
    '</table>',
    '<h2 style="margin:16px 0 8px;font-size:18px">What happens next</h2>',
    `<p style="margin:0">${escapeHtml(next)}</p>`,
    '</td></tr>',
    '</table>',
    `<p style="margin:16px 0 0;font-size:13px;color:#7b8794">${escapeHtml(closing)}</p>`,
    '</td></tr></table>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function rowOf({ name, quantity, unitPrice, amount }: MailLine): string {
  const detail = quantity === '1' ? '' : `${quantity} &times; ${escapeHtml(unitPrice)}`;
  const below = detail === '' ? '' : `<br><span style="color:#52606d;font-size:14px">${detail}</span>`;
  return `<tr><td style="${CELL};word-break:break-word">${escapeHtml(name)}${below}</td><td align="right" style="${CELL};white-space:nowrap">${escapeHtml(amount)}</td></tr>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
