import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './styles/tokens.css';
import './styles/page.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/charts.css';
import './styles/pages.css';
import { applyStoredTheme } from './theme.ts';

applyStoredTheme();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
