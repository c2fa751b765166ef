/** Light, dark, or as the system says. */
import { useEffect, useState } from 'react';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const STORAGE_KEY = 'gatehouse-theme';

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(readStored);
  useEffect(() => applyTheme(theme), [theme]);
  const choose = (chosen: Theme) => {
    setTheme(chosen);
    try {
      localStorage.setItem(STORAGE_KEY, chosen);
    } catch {
      // Where nothing can be stored, the choice holds for this page.
    }
  };
  return [theme, choose];
}

/** Before anything is drawn. */
export function applyStoredTheme(): void {
  applyTheme(readStored());
}

function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

function readStored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(STORAGE_KEY)) ?? 'system';
  } catch {
    // Nothing is stored where nothing can be.
    return 'system';
  }
}
