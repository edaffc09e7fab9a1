// SPDX-License-Identifier: LGPL-2.1-or-later
// What a reader with weak eyes can't read; runs in the page.

/** The texts of the page with a contrast below 4.5, by WCAG 2, each with its contrast. */
export function faint() {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => [red, green, blue]
    .map((value) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = 'var(--sky-wash)'; // the page's background begins with it
  const wash = numbers(getComputedStyle(probe).color);
  probe.remove();
  const grounds = (element) => {
    const ground = numbers(getComputedStyle(element).backgroundColor);
    if (element === document.body) return [ground, wash];
    return ground[3] === 0 ? grounds(element.parentElement) : [ground];
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll('*')]
    .filter((element) => hasText(element) && element.checkVisibility() && !element.closest('[aria-hidden]'))
    .map((element) => [element.textContent.trim(), Math.min(...grounds(element)
      .map((ground) => contrast(numbers(getComputedStyle(element).color), ground)))])
    .filter(([, value]) => value < 4.5);
}
