import type { AttachmentView, TransferView } from "@porchlight/client/page";
import { type ReactElement, useEffect, useMemo, useState } from "react";
import { Button as PlainButton } from "react-aria-components/Button";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { asPicture, type Drawable, drawablePreview, save } from "../files/picture.ts";
import { codeText } from "../i18n/errors.ts";
import { fileSize, Say, say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Progress } from "../parts/progress.tsx";
import { shownName } from "../text/marks.ts";
import type { EntryProps } from "./entry-props.ts";

type Owner = Pick<EntryProps<"message">, "entry"> & {
  readonly conversation: EntryProps["conversation"]["id"];
};

export function Attachments({
  attachments,
  ...owner
}: Owner & { readonly attachments: readonly AttachmentView[] }): ReactElement {
  const { transfers } = useReady();
  return (
    <ul className="attachments">
      {attachments.map((attachment, index) => {
        const transfer = Object.values(transfers).find(
          (one) => one.message === owner.entry.id && one.attachment === index,
        );
        return (
          <Attachment key={index} {...owner} attachment={attachment} index={index} transfer={transfer} />
        );
      })}
    </ul>
  );
}

function Attachment({
  attachment,
  index,
  entry,
  conversation,
  transfer,
}: Owner & {
  readonly attachment: AttachmentView;
  readonly index: number;
  readonly transfer: TransferView | undefined;
}): ReactElement {
  const ask = useAsk();
  const [picture, setPicture] = useState<Drawable | null>(null);
  const { preview } = attachment;
  const small = useMemo(() => (preview === null ? null : drawablePreview(preview)), [preview]);
  const name = shownName(attachment.name) || say("file.unnamed");
  const fetchFile = async (): Promise<Blob | null> =>
    (await ask("download", { conversation, message: entry.id, attachment: index }))?.file ?? null;
  const download = async (): Promise<void> => {
    const file = await fetchFile();
    if (file !== null) save(file, name);
  };
  const open = async (): Promise<void> => {
    const file = await fetchFile();
    if (file !== null) setPicture(await asPicture(file));
  };
  return (
    <li className="attachment">
      {small === null ? null : (
        <PlainButton
          className="picture"
          onPress={() => void open()}
          aria-label={say("file.open-picture", { name })}
        >
          <Drawn blob={small} alt="" className="picture-small" />
        </PlainButton>
      )}
      <div className="row attachment-line">
        <Icon name="file" />
        <span className="grow">
          <bdi className="one-line" title={name}>
            {name}
          </bdi>
          <span className="small soft">{fileSize(attachment.size)}</span>
        </span>
        {transfer === undefined ? (
          <IconButton
            icon="download"
            label={say("file.download", { name })}
            onPress={() => void download()}
          />
        ) : null}
      </div>
      {transfer === undefined ? null : <Transfer transfer={transfer} />}
      {picture === null ? null : (
        <Picture
          picture={picture}
          name={name}
          onClose={() => setPicture(null)}
          onSave={() => void download()}
        />
      )}
    </li>
  );
}

function Transfer({ transfer }: { readonly transfer: TransferView }): ReactElement {
  const ask = useAsk();
  const { status } = transfer;
  const cancel = (
    <IconButton
      icon="close"
      label={transfer.direction === "up" ? say("file.take-out") : say("file.cancel")}
      onPress={() => void ask("cancelTransfer", { transfer: transfer.id })}
    />
  );
  switch (status.kind) {
    case "waiting":
    case "running":
      return (
        <div className="row">
          <Progress
            label={say(`file.progress.${transfer.direction}`, {
              name: shownName(transfer.name) || say("file.unnamed"),
            })}
            done={transfer.done}
            total={Math.max(1, transfer.size)}
            words={
              status.kind === "waiting"
                ? say("file.waiting")
                : `${fileSize(transfer.done)} / ${fileSize(transfer.size)}`
            }
          />
          {cancel}
        </div>
      );
    case "needs-file":
      return (
        <div className="stack-tight">
          <p className="small">{say("file.needs-file")}</p>
          <div className="row-wrap">
            <FileTrigger
              onSelect={(files) => {
                const file = files?.[0];
                if (file !== undefined) void ask("resumeUpload", { transfer: transfer.id, file });
              }}
            >
              <Button>{say("file.choose-again")}</Button>
            </FileTrigger>
            {cancel}
          </div>
        </div>
      );
    case "failed":
      return (
        <div className="row" role="alert">
          <p className="small grow field-error">
            <Say k="file.failed" v={{ reason: codeText(status.code) }} />
          </p>
          {cancel}
        </div>
      );
  }
}

/** Bytes that the sender chose: drawn as a picture, and as nothing else. */
function Drawn({
  blob,
  alt,
  className,
}: {
  readonly blob: Blob;
  readonly alt: string;
  readonly className: string;
}): ReactElement {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return <img className={className} src={address} alt={alt} decoding="async" draggable={false} />;
}

function Picture({
  picture,
  name,
  onClose,
  onSave,
}: {
  readonly picture: Drawable;
  readonly name: string;
  readonly onClose: () => void;
  readonly onSave: () => void;
}): ReactElement {
  return (
    <Panel title={name} onClose={onClose}>
      {picture.kind === "picture" ? (
        <Drawn blob={picture.blob} alt={say("file.picture", { name })} className="picture-large" />
      ) : (
        <p>{say(`file.${picture.kind}`)}</p>
      )}
      <div className="row-wrap">
        <Button icon="download" onPress={onSave}>
          {say("file.save")}
        </Button>
      </div>
    </Panel>
  );
}
