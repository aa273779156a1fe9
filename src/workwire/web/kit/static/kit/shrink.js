// A picture that is chosen is made small and square before it is sent, turned as its camera was held.

async function shrink(input) {
  const side = Number(input.dataset.shrinks);
  const picture = input.files.length ? await createImageBitmap(input.files[0]).catch(() => null) : null;
  if (!picture) return;
  const cut = Math.min(picture.width, picture.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(side, cut);
  const left = (picture.width - cut) / 2;
  const top = (picture.height - cut) / 2;
  canvas.getContext("2d").drawImage(picture, left, top, cut, cut, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((small) => {
    if (!small) return;
    const chosen = new DataTransfer();
    chosen.items.add(new File([small], "picture", { type: small.type }));
    input.files = chosen.files;
  }, "image/webp", 0.9);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-shrinks]")) shrink(event.target);
});
