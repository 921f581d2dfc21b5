import { type Field, fields, type Values } from './form.ts';

export interface Product {
  readonly sku: string;
  readonly name: string;
}

/** What the page says above the form, and beside its fields. */
export interface Shown {
  readonly values: Values;
  readonly products: readonly Product[];
  /** Names this filling in, so that sending it twice buys once. */
  readonly key: string;
  /** By field. */
  readonly errors?: ReadonlyMap<string, string>;
  readonly problem?: string;
  readonly outcome?: {
    readonly checkoutId: string;
    readonly status: string;
    readonly orderId?: string | undefined;
    readonly suggestions: readonly Product[];
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const safe = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one]!);

/** The whole page; everything that it needs comes from here, and it works without its script. */
export function pageOf(shown: Shown): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkout</title>
<link rel="stylesheet" href="/checkout/page.css">
<script src="/checkout/page.js" defer></script>
</head>
<body>
<main id="main">
<h1>Checkout</h1>
${shown.outcome === undefined ? `${summary(shown)}${form(shown)}` : outcome(shown.outcome)}
</main>
</body>
</html>
`;
}

function outcome({ checkoutId, status, orderId, suggestions }: NonNullable<Shown['outcome']>): string {
  if (status !== 'approved')
    return `<section role="status" id="outcome" tabindex="-1" class="pending">
<h2>Not decided yet</h2>
<p>Your order is being looked at; it takes longer than usual.</p>
<p><a href="/checkout?checkout=${safe(encodeURIComponent(checkoutId))}">Look again</a></p>
</section>`;
  const items = suggestions.map(({ sku, name }) => `<li data-sku="${safe(sku)}">${safe(name)}</li>`).join('');
  return `<section role="status" id="outcome" tabindex="-1" class="approved">
<h2>Order approved</h2>
<p>Its number is <code>${safe(orderId ?? '')}</code>.</p>
${items === '' ? '' : `<h3>You may also like</h3><ul id="suggestions">${items}</ul>`}
<p><a href="/checkout">Buy something else</a></p>
</section>`;
}

function summary({ problem, errors = new Map() }: Shown): string {
  if (problem === undefined) return '';
  const links = [...errors].map(([name, text]) => `<li><a href="#${safe(name)}">${safe(text)}</a></li>`).join('');
  return `<section role="alert" id="problem" tabindex="-1"><h2>${safe(problem)}</h2>${links === '' ? '' : `<ul>${links}</ul>`}</section>`;
}

function form({ values, products, key, errors = new Map() }: Shown): string {
  const error = (name: string) => errors.get(name);
  const options = products
    .map(
      ({ sku, name }) =>
        `<option value="${safe(sku)}"${values['sku'] === sku ? ' selected' : ''}>${safe(name)}</option>`,
    )
    .join('');
  const inputs = fields.map((field) => input(field, values[field.name] ?? '', error(field.name))).join('\n');
  return `<form method="post" action="/checkout" novalidate>
<input type="hidden" name="key" value="${safe(key)}">
<p><label for="sku">Product</label><select id="sku" name="sku">${options}</select></p>
${input({ name: 'quantity', label: 'Quantity', autocomplete: 'off', inputmode: 'numeric' }, values['quantity'] ?? '', error('quantity'))}
${inputs}
${tick('giftWrapping', 'It is a gift', values, error)}
${tick('termsAccepted', 'I accept the terms', values, error)}
<p><button type="submit">Buy</button></p>
</form>`;
}

function input(field: Field, value: string, error: string | undefined): string {
  const { label, autocomplete, inputmode, hint } = field;
  const id = safe(field.name);
  const mode = inputmode === undefined ? '' : ` inputmode="${inputmode}"`;
  const shownHint = hint === undefined ? '' : ` <small>${safe(hint)}</small>`;
  const own = `id="${id}" name="${id}" value="${safe(value)}" autocomplete="${autocomplete}"${mode}`;
  return `<p><label for="${id}">${safe(label)}${shownHint}</label><input ${own}${pointing(id, error)}>${reason(id, error)}</p>`;
}

function tick(name: string, label: string, values: Values, errorOf: (name: string) => string | undefined): string {
  const error = errorOf(name);
  const own = `type="checkbox" id="${name}" name="${name}"${values[name] === 'on' ? ' checked' : ''}`;
  return `<p class="tick"><input ${own}${pointing(name, error)}><label for="${name}">${label}</label>${reason(name, error)}</p>`;
}

function pointing(id: string, error: string | undefined): string {
  return error === undefined ? '' : ` aria-invalid="true" aria-describedby="${id}-error"`;
}

/** The reason of a field, read out with it. */
function reason(id: string, error: string | undefined): string {
  return error === undefined ? '' : `<span class="error" id="${id}-error">${safe(error)}</span>`;
}
