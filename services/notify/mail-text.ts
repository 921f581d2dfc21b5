import type { MailContent, MailLine } from './mail-content.ts';

/** Mails are read in windows of 80 columns, and quoted in them. */
const WIDTH = 72;
const LABEL = 16;

/** The mail as plain text. */
export function mailTextOf(content: MailContent): string {
  const { headline, greeting, paragraphs, facts, lines, more, total, next, closing } = content;
  const blocks = [
    `SWITCHYARD\n\n${headline}`,
    greeting,
    ...paragraphs.map(wrapped),
    facts.map(([label, value]) => `${label.padEnd(LABEL)}${value}`).join('\n'),
    [...lines.flatMap(lineOf), ...(more === undefined ? [] : [`  ... ${more}`]), inColumns(...total)].join('\n'),
    `What happens next\n${wrapped(next)}`,
    `-- \nSwitchyard\n${closing}`,
  ];
  return `${blocks.join('\n\n')}\n`;
}

function lineOf({ name, quantity, unitPrice, amount }: MailLine): readonly string[] {
  const each = quantity === '1' ? [] : [`      ${unitPrice} each`];
  return [inColumns(`  ${quantity} x ${name}`, amount), ...each];
}

/** The amount at the right edge; below a name that leaves it no room. */
function inColumns(left: string, right: string): string {
  const room = WIDTH - right.length;
  return left.length < room - 1 ? left.padEnd(room) + right : `${left}\n${right.padStart(WIDTH)}`;
}

function wrapped(text: string): string {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    if (row !== '' && row.length + 1 + word.length > WIDTH) {
      rows.push(row);
      row = word;
    } else row = row === '' ? word : `${row} ${word}`;
  }
  return [...rows, row].join('\n');
}
