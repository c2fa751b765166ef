import { Component, type ReactNode } from 'react';
import { Failure } from './states.tsx';

interface PageGuardProps {
  readonly children: ReactNode;
}

interface PageGuardState {
  readonly message: string | undefined;
}

/** A fault of one page takes neither the others nor the navigation with it. */
export class PageGuard extends Component<PageGuardProps, PageGuardState> {
  override readonly state: PageGuardState = { message: undefined };

  static getDerivedStateFromError(error: unknown): PageGuardState {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { message } = this.state;
    if (message === undefined) return this.props.children;
    return <Failure message={`This page has failed: ${message}`} onRetry={() => this.setState({ message: undefined })} />;
  }
}
