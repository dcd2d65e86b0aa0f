// Only what is used here, written by hand: lib must type-check where Deno's own types are missing.

/** An open file. */
export interface DenoFile {
  stat(): Promise<{ size: number; isDirectory: boolean }>;
  seek(offset: number, whence: number): Promise<number>;
  read(into: Uint8Array): Promise<number | null>;
  write(from: Uint8Array): Promise<number>;
  seekSync(offset: number, whence: number): number;
  readSync(into: Uint8Array): number | null;
  sync(): Promise<void>;
  writeSync(from: Uint8Array): number;
  syncDataSync(): void;
  truncate(length: number): Promise<void>;
  lock(exclusive: boolean): Promise<void>;
  close(): void;
}
/** A program to run. */
export interface DenoCommand {
  output(): Promise<{ code: number; stdout: Uint8Array; stderr: Uint8Array }>;
  outputSync(): { code: number; stdout: Uint8Array; stderr: Uint8Array };
}
/** What may be asked about. */
export type PermissionAsked =
  | { readonly name: "env"; readonly variable: string }
  | { readonly name: "run"; readonly command: string }
  | { readonly name: "sys"; readonly kind: string };
/** The part of the runtime that the door opens on. */
export interface DenoLike {
  build: { os: string; arch: string };
  version: { deno: string };
  pid: number;
  permissions: { querySync(asked: PermissionAsked): { state: string } };
  hostname(): string;
  cwd(): string;
  env: { get(name: string): string | undefined };
  open(
    path: string | URL,
    options: Record<string, boolean>,
  ): Promise<DenoFile>;
  openSync(path: string, options: Record<string, boolean>): DenoFile;
  makeTempFileSync(options: { dir?: string; prefix: string; suffix: string }): string;
  removeSync(path: string): void;
  stat(path: string | URL): Promise<{ size: number; isDirectory: boolean }>;
  readTextFileSync(path: string): string;
  readDir(path: string | URL): AsyncIterable<{ name: string; isDirectory: boolean; isSymlink: boolean }>;
  mkdir(path: string | URL, options: { recursive: boolean }): Promise<void>;
  rename(from: string | URL, to: string | URL): Promise<void>;
  remove(path: string | URL, options?: { recursive: boolean }): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  copyFile(from: string, to: string): Promise<void>;
  memoryUsage(): { rss: number };
  systemMemoryInfo(): { total: number; available: number };
  Command: new (
    command: string,
    options: Record<string, unknown>,
  ) => DenoCommand;
  /** In notebooks only; reading it throws elsewhere. */
  jupyter?: {
    display(
      bundle: Readonly<Record<string, unknown>>,
      options: { raw: boolean; display_id?: string; update?: boolean },
    ): Promise<void>;
  };
  stdin: { isTerminal(): boolean };
  stdout: { isTerminal(): boolean };
  stderr: { isTerminal(): boolean };
}
