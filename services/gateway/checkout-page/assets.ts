/** What the page loads, from its own origin. */
export const style = `:root { font-family: system-ui, sans-serif; line-height: 1.4; color-scheme: light dark }
body { margin: 0 }
main { max-width: 34rem; margin: 0 auto; padding: 1rem }
form p { display: flex; flex-direction: column; margin: 0 0 .8rem }
label small { opacity: .7 }
input:not([type=checkbox]), select, button { font: inherit; padding: .6rem; border: 1px solid #777; border-radius: .3rem; min-height: 2.75rem; width: 100%; box-sizing: border-box }
.tick { flex-direction: row; flex-wrap: wrap; align-items: center; gap: .5rem }
.tick input { width: 1.4rem; height: 1.4rem }
input[aria-invalid] { border: 2px solid #b00020 }
.error { color: #b00020; font-weight: 600; order: 3; flex-basis: 100% }
[role=alert] { border: 2px solid #b00020; padding: 0 1rem; border-radius: .3rem }
.approved { border: 2px solid #1b7a3d; padding: 0 1rem; border-radius: .3rem }
button { background: #1b4f9c; color: #fff; font-weight: 600; cursor: pointer }
:focus-visible { outline: 3px solid #f2a900; outline-offset: 2px }
@media (prefers-color-scheme: dark) { .error { color: #ff8a9a } a { color: #9ecbff } }
`;

/** Sends the form without leaving the page, and keeps what was typed. */
export const script = `document.addEventListener('submit', async (event) => {
  const form = event.target;
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  const typed = new FormData(form);
  try {
    const response = await fetch(form.action, { method: 'POST', body: new URLSearchParams(typed) });
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const told = page.getElementById('main');
    if (!told) return form.submit();
    document.getElementById('main').replaceWith(told);
    for (const name of ['creditCard.number', 'creditCard.cvv']) {
      const field = document.getElementById(name);
      if (field) field.value = typed.get(name);
    }
    (document.querySelector('[aria-invalid]') ?? document.querySelector('[role]'))?.focus();
  } catch {
    form.submit();
  }
});
`;
