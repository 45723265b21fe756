import { useEffect, useState } from "preact/hooks";

type Theme = "light" | "dark";
const KEY = "reprise-theme";
const systemTheme = (): Theme =>
  matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

/** As the system has it until one is chosen. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(
    () => (localStorage.getItem(KEY) as Theme | null) ?? systemTheme(),
  );
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("themechange"));
  }, [theme]);
  const other = theme === "dark" ? "light" : "dark";
  const choose = (): void => {
    localStorage.setItem(KEY, other);
    setTheme(other);
  };
  return (
    <button type="button" class="plain" onClick={choose} aria-label={`Use ${other} colours`}>
      <span aria-hidden="true">{theme === "dark" ? "☀" : "☾"}</span>
    </button>
  );
}
