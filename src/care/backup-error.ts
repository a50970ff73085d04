/** What is wrong with a backup. `code` is API. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: 'BACKUP_FOREIGN' | 'BACKUP_VERSION' | 'BACKUP_TRUNCATED' | 'BACKUP_DAMAGED' | 'RESTORE_TAKEN';

  constructor(code: BackupError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export const damaged = (file: string, how: string): BackupError =>
  new BackupError('BACKUP_DAMAGED', `${file} is damaged: ${how}`);

export const truncated = (file: string, how: string): BackupError =>
  new BackupError('BACKUP_TRUNCATED', `${file} is not whole: ${how}`);
