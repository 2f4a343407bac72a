// The words of the page in its language, which the server chose by what the reader asks for.

const { lang } = document.documentElement;

// English is what stands in the code; another language comes as a table by that. A page whose table
// cannot be had is better in English than not at all.
const words = lang === "en" ? {} : await fetch(`assets/words/${lang}.json`).then((told) => told.json(), () => ({}));

// Return a text in the page's language, with values in the places that are named in braces.
export function t(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

// How the reader writes numbers and dates: of the page's language, with the reader's own region.
export const LOCALE = navigator.languages?.find((one) => one.split("-")[0].toLowerCase() === lang) ?? lang;
